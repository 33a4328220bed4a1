//! What the log says of one job.

use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::Path;

use jiff::{Timestamp, ToSpan as _};

use crate::spool::job::JobId;

/// Most lines that are shown; the last ones.
const LINES_MAX: usize = 200;
/// The log of one day is read from its end, at most so much of it.
const DAY_MAX_BYTES: u64 = 4 * 1024 * 1024;
/// A job that takes longer shows the days of its beginning.
const DAYS_MAX: usize = 4;

/// The lines of the days on which the job was there.
pub(super) fn lines(folder: &Path, id: &JobId, accepted: Timestamp, until: Timestamp) -> Vec<String> {
    let mut found = Vec::new();
    let utc = |at: Timestamp| at.to_zoned(jiff::tz::TimeZone::UTC).date();
    let (mut day, last) = (utc(accepted), utc(until));
    for _ in 0..DAYS_MAX {
        if day > last {
            break;
        }
        found.extend(of_day(&folder.join(format!("hotfolders.{day}.log")), id));
        let Ok(next) = day.checked_add(1.day()) else { break };
        day = next;
    }
    let surplus = found.len().saturating_sub(LINES_MAX);
    found.split_off(surplus)
}

fn of_day(path: &Path, id: &JobId) -> Vec<String> {
    let read = || -> std::io::Result<Vec<u8>> {
        let mut file = std::fs::File::open(path)?;
        let from = file.metadata()?.len().saturating_sub(DAY_MAX_BYTES);
        file.seek(SeekFrom::Start(from))?;
        let mut text = Vec::new();
        file.take(DAY_MAX_BYTES).read_to_end(&mut text)?;
        Ok(text)
    };
    let text = read().unwrap_or_default();
    let wanted = id.as_str().as_bytes();
    let finder = memchr::memmem::Finder::new(wanted);
    let is_of = |line: &&[u8]| {
        // Not of another job whose id begins with this one.
        finder.find(line).is_some_and(|at| {
            line.get(at + wanted.len()).is_none_or(|next| !next.is_ascii_alphanumeric() && !b"-_".contains(next))
        })
    };
    text.split(|b| *b == b'\n').filter(is_of).map(|line| String::from_utf8_lossy(line).into_owned()).collect()
}
