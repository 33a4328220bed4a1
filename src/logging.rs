//! The log: standard error, and a file a day that loses no line.

use tracing_subscriber::fmt::writer::MakeWriterExt as _;

use crate::error::Error;
use crate::model::config::Log;
use crate::spool::durable;

/// Of the names of its files, around the day.
const PREFIX: &str = "hotfolders";
const SUFFIX: &str = "log";

/// Hides the files of the log from everybody but their owner and group: they name clients. A day's file is made with the
/// rights that the system gives it.
pub fn hide(log: &Log) {
    let is_ours = |name: &str| name.starts_with(&format!("{PREFIX}.")) && name.ends_with(&format!(".{SUFFIX}"));
    for entry in std::fs::read_dir(&log.folder).into_iter().flatten().flatten() {
        if is_ours(&entry.file_name().to_string_lossy()) && entry.file_type().is_ok_and(|kind| kind.is_file()) {
            // One that goes away just now needs no hiding.
            match durable::hide_from_others(&entry.path()) {
                Err(e) if !e.is_not_found() => tracing::warn!("{e}"),
                _ => {}
            }
        }
    }
}

/// Writes what is still in memory when it is dropped.
#[derive(Debug)]
pub struct LogGuard {
    _file: Option<tracing_appender::non_blocking::WorkerGuard>,
}

/// Starts logging: to standard error, and with `file` to its folder.
pub fn start(file: Option<&Log>) -> Result<LogGuard, Error> {
    let level = file.map_or("info", |log| log.level.word());
    let filter = tracing_subscriber::EnvFilter::try_new(level).map_err(|e| Error::failed(e.to_string()))?;
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_ansi(false).with_target(false);
    let Some(log) = file else {
        // Only the first start in a process counts: the tests start several servers.
        let _ = builder.with_writer(std::io::stderr).try_init();
        return Ok(LogGuard { _file: None });
    };
    if !log.folder.is_dir() {
        durable::make_private_folder(&log.folder).map_err(|e| Error::failed(e.to_string()))?;
    }
    let appender = tracing_appender::rolling::Builder::new()
        .rotation(tracing_appender::rolling::Rotation::DAILY)
        .filename_prefix(PREFIX)
        .filename_suffix(SUFFIX)
        .max_log_files(log.keep)
        .build(&log.folder)
        .map_err(|e| Error::failed(format!("cannot open a log file in {}: {e}", log.folder.display())))?;
    hide(log);
    // By default a full buffer drops lines; a log that the studio may need in court must not.
    let (writer, guard) = tracing_appender::non_blocking::NonBlockingBuilder::default().lossy(false).finish(appender);
    let _ = builder.with_writer(writer.and(std::io::stderr)).try_init();
    Ok(LogGuard { _file: Some(guard) })
}
