//! How much of the machine the server takes when the config does not say.

use crate::model::config::Config;

pub(super) fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

/// Jobs that compute at a time.
pub(super) fn max_jobs(config: &Config) -> usize {
    config.server.max_jobs.unwrap_or_else(cores)
}

/// A quarter of the memory, at least 512 MiB.
pub fn default_memory() -> u64 {
    const LEAST: u64 = 512 * 1024 * 1024;
    let Ok(mut system) = sysinfo::System::new() else { return LEAST };
    system.refresh_memory();
    (system.total_memory() / 4).max(LEAST)
}
