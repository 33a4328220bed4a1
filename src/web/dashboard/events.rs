//! Tells a page that something changed. What, it finds out by asking for itself again: there is one way to make a page.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderName};
use axum::response::{IntoResponse as _, Response};

use super::Dashboard;
use crate::web::body;

/// However much happens, a page is told no more often.
const AT_MOST_EVERY: Duration = Duration::from_millis(700);
/// So that proxies, and the browser, know that the server is still there.
const SIGN_OF_LIFE: Duration = Duration::from_secs(15);

pub(super) async fn stream(State(dashboard): State<Arc<Dashboard>>) -> Response {
    let (feed, body) = body::fed(1);
    let site = dashboard.site.clone();
    tokio::spawn(async move {
        let mut status = site.status.clone();
        status.mark_changed();
        loop {
            let text = tokio::select! {
                () = site.stopped() => return,
                changed = status.changed() => match changed {
                    Ok(()) => "data: changed\n\n",
                    Err(_) => return,
                },
                () = tokio::time::sleep(SIGN_OF_LIFE) => ": still here\n\n",
            };
            status.mark_unchanged();
            if feed.send(Bytes::from_static(text.as_bytes())).await.is_err() {
                return;
            }
            tokio::time::sleep(AT_MOST_EVERY).await;
        }
    });
    let headers = [
        (CONTENT_TYPE, "text/event-stream"),
        (CACHE_CONTROL, "no-store"),
        // nginx would gather what we send.
        (HeaderName::from_static("x-accel-buffering"), "no"),
    ];
    (headers, body).into_response()
}
