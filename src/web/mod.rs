//! What people see in a browser: the dashboard of the studio, and the pages that download links open.
//!
//! ```text
//! door: bind, wait for a busy address ─▶ connection: caps, timeouts, TLS ─▶ router of the room ─▶ headers, error pages
//! ```
//!
//! Owns: no path ever comes from a URL, only from a record that was found by an id or a token; nothing that somebody on
//! the network does keeps a job waiting. The one place with an async runtime, in a thread of its own. Must not know how
//! jobs are run: what it may ask for goes through [`control`](crate::control), what it shows is told to it or stands in
//! the spool.

mod address;
mod assets;
pub mod body;
mod connection;
pub mod cookies;
pub mod dashboard;
mod door;
pub mod downloads;
mod etag;
mod headers;
mod key;
pub mod page;
mod peer;
mod throttle;
pub mod tls;

use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::watch;

pub use self::assets::routes as asset_routes;
pub use self::connection::Seat;
pub use self::door::{Door, Opening};
pub use self::headers::{dressed, hurried, secured};

use crate::clock;
use crate::model::config::Config;
use crate::model::spec::Turn;
use crate::spool::links::Links;
use crate::spool::queue::Spool;

/// In the spool: what the pages keep for themselves, secrets of ours among it.
const FOLDER: &str = "web";
/// Requests that run when the server stops may take so long to end.
const STOP_WITHIN: Duration = Duration::from_secs(3);
/// Threads for what blocks: disks, passwords, thumbnails.
const BLOCKING_THREADS: usize = 16;

/// What the pages are about. Cheap to share; always says what is true now.
#[derive(Debug, Clone)]
pub struct Site {
    pub spool: Spool,
    pub links: Arc<Links>,
    /// The one in force.
    pub config: watch::Receiver<Arc<Config>>,
    /// What the server tells of itself, as `hotfolders status --json` has it.
    pub status: watch::Receiver<Arc<serde_json::Value>>,
    /// True when the server stops: whatever streams for long ends then.
    pub stop: watch::Receiver<bool>,
    pub post: Arc<dyn Post>,
}

impl Site {
    pub fn config(&self) -> Arc<Config> {
        Arc::clone(&self.config.borrow())
    }

    /// Resolves when the server stops.
    pub async fn stopped(&self) {
        let mut stop = self.stop.clone();
        // A sender that is gone stopped too.
        let _ = stop.wait_for(|stop| *stop).await;
    }
}

/// What pages need and the server can do.
pub trait Tools: std::fmt::Debug + Send + Sync {
    /// A picture of any kind that the program reads, turned and not larger than that, as a JPEG. Errors are in words.
    fn small(&self, picture: &[u8], turn: Turn, longest_px: u32) -> Result<Vec<u8>, String>;
}

/// Who sends mails for the pages.
pub trait Post: std::fmt::Debug + Send + Sync {
    /// Mails a link, by the hash of its token, to the client or to these; says to whom. It takes as long as the mail server
    /// does. Errors are in words.
    fn mail_link(&self, hash: &str, to: &[String]) -> Result<Vec<String>, String>;
}

/// The running pages.
#[derive(Debug)]
pub struct Web {
    config: watch::Sender<Arc<Config>>,
    status: watch::Sender<Arc<serde_json::Value>>,
    stop: watch::Sender<bool>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Web {
    /// Opens the doors that the config asks for, now and after each edit of it.
    pub fn start(
        spool: Spool,
        links: Arc<Links>,
        config: &Arc<Config>,
        tools: Arc<dyn Tools>,
        post: Arc<dyn Post>,
    ) -> std::io::Result<Web> {
        let (config, of_config) = watch::channel(Arc::clone(config));
        let (status, of_status) = watch::channel(Arc::new(serde_json::Value::Null));
        let (stop, of_stop) = watch::channel(false);
        let site = Site { spool, links, config: of_config, status: of_status, stop: of_stop, post };
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .max_blocking_threads(BLOCKING_THREADS)
            .thread_name("web")
            .enable_io()
            .enable_time()
            .build()?;
        let thread = std::thread::Builder::new().name("web".into()).spawn(move || {
            runtime.block_on(serve(&site, tools));
            runtime.shutdown_timeout(STOP_WITHIN);
            site.links.settle(clock::now());
        })?;
        Ok(Web { config, status, stop, thread: Mutex::new(Some(thread)) })
    }

    /// Another config is in force.
    pub fn reconfigure(&self, config: Arc<Config>) {
        self.config.send_replace(config);
    }

    /// Whether anybody could see what the server tells.
    pub fn is_watched(&self) -> bool {
        let config = self.config.borrow();
        config.server.listen.is_some() || config.downloads.is_some()
    }

    /// What the server tells of itself changed.
    pub fn tell(&self, status: serde_json::Value) {
        self.status.send_if_modified(|told| {
            let is_news = **told != status;
            if is_news {
                *told = Arc::new(status);
            }
            is_news
        });
    }

    /// Closes the doors; requests in hand are answered, if that does not take too long.
    pub fn stop(&self) {
        self.stop.send_replace(true);
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if thread.is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the web thread had stopped before");
        }
    }
}

async fn serve(site: &Site, tools: Arc<dyn Tools>) {
    let doors = [dashboard::door(site, tools), downloads::door(site)];
    let mut open = tokio::task::JoinSet::new();
    for door in doors {
        open.spawn(door.keep_open(site.clone()));
    }
    while open.join_next().await.is_some() {}
}
