//! The numbered steps of a whole program, for tests that end it, or fail it, at one of them.

use std::io;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

static PASSED: AtomicU64 = AtomicU64::new(0);
static CRASH_AT: OnceLock<Option<u64>> = OnceLock::new();
static FAULT_AT: OnceLock<Option<(u64, i32)>> = OnceLock::new();

/// `HOTFOLDERS_CRASH_AT=k` aborts at point k; `HOTFOLDERS_FAULT_AT=k:ERRNO` fails there with that system error, and
/// makes the file that `HOTFOLDERS_FAULT_TOLD` names, so that whoever tries all of them knows when to stop. What is done at
/// each point is listed in the file that `HOTFOLDERS_POINTS_TOLD` names.
pub(super) fn pass(action: &str) -> io::Result<()> {
    let number = PASSED.fetch_add(1, Ordering::SeqCst) + 1;
    if let Some(list) = std::env::var_os("HOTFOLDERS_POINTS_TOLD") {
        let mut list = std::fs::OpenOptions::new().create(true).append(true).open(list)?;
        io::Write::write_all(&mut list, format!("{number} {action}\n").as_bytes())?;
    }
    let crash = CRASH_AT.get_or_init(|| std::env::var("HOTFOLDERS_CRASH_AT").ok()?.parse().ok());
    if *crash == Some(number) {
        std::process::abort();
    }
    let fault = FAULT_AT.get_or_init(|| {
        let text = std::env::var("HOTFOLDERS_FAULT_AT").ok()?;
        let (number, errno) = text.split_once(':')?;
        Some((number.parse().ok()?, errno.parse().ok()?))
    });
    match fault {
        Some((at, errno)) if *at == number => {
            if let Some(told) = std::env::var_os("HOTFOLDERS_FAULT_TOLD") {
                std::fs::write(told, b"")?;
            }
            Err(io::Error::from_raw_os_error(*errno))
        }
        _ => Ok(()),
    }
}
