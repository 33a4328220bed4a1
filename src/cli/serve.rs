//! `hotfolders serve`.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use clap::Args;
use signal_hook::consts::{SIGINT, SIGTERM};

use super::config;
use crate::error::{Error, Exit};
use crate::logging;
use crate::server::Server;

#[derive(Debug, Args)]
pub(super) struct ServeArgs {
    /// Allow a spool on a network file system, where locks and renames may not hold.
    #[arg(long)]
    allow_network_spool: bool,
}

pub(super) fn run(file: &Path, args: &ServeArgs) -> Result<(), Error> {
    let (loaded, instead) = config::load_or_last_good(file)?;
    let _log = logging::start(Some(&loaded.config.server.log))?;
    if let Some(instead) = &instead {
        tracing::error!("the config is wrong, the last good one is in force:\n{}", instead.wrong.problems);
    }
    for line in loaded.config.show_warnings(&loaded.text).lines() {
        tracing::warn!("{line}");
    }
    let signal = catch_signals()?;
    let server = Server::start(loaded, instead.as_ref(), args.allow_network_spool, config::read)?;
    tracing::info!("serving");
    let caught = wait_for(&signal, &|| !server.has_its_spool());
    if caught == 0 {
        tracing::error!("{LOST_LOCK}");
    }
    tracing::info!("stopping: the steps in hand are finished");
    server.stop();
    tracing::info!("stopped");
    if caught == 0 {
        return Err(Error::failed(LOST_LOCK));
    }
    if caught == usize::try_from(SIGINT).unwrap_or_default() {
        return Err(Error { exit: Exit::Interrupted, text: String::new() });
    }
    Ok(())
}

/// How often it is looked at whether the spool is still ours.
const LOOK_EVERY: Duration = Duration::from_secs(1);
const LOST_LOCK: &str = "the LOCK of the spool was removed or replaced by hand, so another server may take the spool: this one stops. \
                         Start it again; leave LOCK alone, it does not matter after a crash";

/// Holds the number of the signal that came, or 0.
pub(super) fn catch_signals() -> Result<Arc<AtomicUsize>, Error> {
    let caught = Arc::new(AtomicUsize::new(0));
    for signal in [SIGINT, SIGTERM] {
        let number = usize::try_from(signal).unwrap_or(1);
        signal_hook::flag::register_usize(signal, Arc::clone(&caught), number)
            .map_err(|e| Error::failed(format!("cannot listen for signals: {e}")))?;
    }
    Ok(caught)
}

/// Sleeps until a signal came, and returns it; 0 when `is_over` came true before.
pub(super) fn wait_for(signal: &AtomicUsize, is_over: &dyn Fn() -> bool) -> usize {
    let mut looked = Instant::now();
    loop {
        let caught = signal.load(Ordering::SeqCst);
        if caught != 0 {
            return caught;
        }
        if looked.elapsed() >= LOOK_EVERY {
            if is_over() {
                return 0;
            }
            looked = Instant::now();
        }
        std::thread::sleep(Duration::from_millis(100));
    }
}
