//! Pictures that a failed job lacks, from the form on its page.
//!
//! Owns: they reach the job by `jobs retry --pictures`, as everybody's do; what was cut off is gone with its folder.

use std::sync::Arc;

use axum::Extension;
use axum::extract::{Multipart, Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;

use super::super::sessions::Visitor;
use super::super::{Dashboard, actions, encoded};
use super::receive::{Staging, receive_pictures};
use crate::control::Command;
use crate::spool::job::JobId;
use crate::web::Seat;
use crate::web::page::Trouble;

pub(in crate::web::dashboard) async fn take(
    State(dashboard): State<Arc<Dashboard>>,
    Extension(visitor): Extension<Visitor>,
    Extension(seat): Extension<Arc<Seat>>,
    Path(id): Path<String>,
    headers: HeaderMap,
    form: Multipart,
) -> Result<Response, Trouble> {
    let busy = || Trouble::new(StatusCode::SERVICE_UNAVAILABLE, "Other uploads are running; wait for one to end.");
    let _turn = dashboard.uploads.try_acquire().map_err(|_| busy())?;
    let missing = || Trouble::not_found("There is no such job.");
    let id = JobId::parse(&id).ok_or_else(missing)?;
    dashboard.site.spool.find(&id)?.ok_or_else(missing)?;
    // Somebody who is logged in may send for long.
    seat.keep();
    let mut staging = Staging::below(&dashboard.site.spool.tmp());
    let folder = receive_pictures(form, &mut staging).await?;
    let to = format!("/jobs/{}", encoded(id.as_str()));
    let command = Command::Retry { jobs: vec![id], pictures: Some(folder) };
    dashboard.carry_out(command, &visitor, actions::wants_json(&headers), &to).await
}
