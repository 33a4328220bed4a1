//! What goes out by one grant, added up between two lines of the log.
//!
//! Owns: a grant writes at most one line in [`SENT_EVERY`], and that line is short, however its client cuts the file up.

use std::time::Duration;

use jiff::Timestamp;

use super::{Entry, Set};

/// Between two lines of one grant. A crash loses at most what went out in this time.
pub const SENT_EVERY: Duration = Duration::from_secs(30);
/// Stretches in one line. Those who download in parallel have some ten; of more the shortest are left out.
const LINE_STRETCHES_MAX: usize = 64;

#[derive(Debug)]
pub(super) struct Tally {
    set: Set,
    from: Option<String>,
    stretches: Vec<(u64, u64)>,
    bytes: u64,
    last: Timestamp,
    /// When its last line was written.
    written: Option<Timestamp>,
}

impl Tally {
    pub(super) fn new(set: Set, from: Option<String>) -> Tally {
        Tally { set, from, stretches: Vec::new(), bytes: 0, last: Timestamp::MIN, written: None }
    }

    pub(super) fn add(&mut self, at: Timestamp, stretch: (u64, u64)) {
        self.bytes += stretch.1 - stretch.0;
        self.last = self.last.max(at);
        add_stretch(&mut self.stretches, stretch, LINE_STRETCHES_MAX);
    }

    /// Something of it is not in the log yet.
    pub(super) fn is_open(&self) -> bool {
        self.bytes > 0
    }

    /// Also after the clock was set back.
    pub(super) fn is_due(&self, now: Timestamp) -> bool {
        self.written.is_none_or(|written| now.duration_since(written).unsigned_abs() >= SENT_EVERY)
    }

    /// The line that says it.
    pub(super) fn entry(&self) -> Option<Entry> {
        let ((start, end), more) = self.stretches.split_first()?;
        let bytes = Some(self.bytes).filter(|bytes| *bytes != end - start);
        Some(Entry::Sent {
            at: self.last,
            set: self.set,
            start: *start,
            end: *end,
            from: self.from.clone(),
            more: more.to_vec(),
            bytes,
        })
    }

    pub(super) fn close(&mut self, now: Timestamp) {
        self.stretches.clear();
        self.bytes = 0;
        self.written = Some(now);
    }
}

/// Adds a stretch to a list that is in order, none touching another. Of more than `most` the shortest goes.
pub(super) fn add_stretch(list: &mut Vec<(u64, u64)>, (mut start, mut end): (u64, u64), most: usize) {
    if start >= end {
        return;
    }
    // Those that touch it stand side by side.
    let first = list.partition_point(|(_, to)| *to < start);
    let behind = list.partition_point(|(from, _)| *from <= end);
    if let (Some((from, _)), Some((_, to))) = (list.get(first), list[..behind].last())
        && first < behind
    {
        (start, end) = (start.min(*from), end.max(*to));
    }
    list.splice(first..behind.max(first), [(start, end)]);
    if list.len() > most
        && let Some(shortest) = (0..list.len()).min_by_key(|index| list[*index].1 - list[*index].0)
    {
        list.remove(shortest);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn stretches_are_those_of_a_row_of_bits(list in prop::collection::vec((0_u64..60, 0_u64..20), 0..30)) {
            let mut bits = [false; 80];
            let mut stretches = Vec::new();
            for (start, length) in list {
                add_stretch(&mut stretches, (start, start + length), 80);
                bits[start as usize..(start + length) as usize].fill(true);
            }
            for (index, bit) in bits.iter().enumerate() {
                prop_assert_eq!(*bit, stretches.iter().any(|(from, to)| (*from..*to).contains(&(index as u64))));
            }
            prop_assert!(stretches.windows(2).all(|pair| pair[0].1 < pair[1].0));
        }
    }

    #[test]
    fn a_line_stays_short_and_keeps_what_is_long() {
        let mut tally = Tally::new(Set::All, None);
        tally.add(Timestamp::UNIX_EPOCH, (0, 1000));
        (1000..2000).for_each(|byte| tally.add(Timestamp::UNIX_EPOCH, (2 * byte, 2 * byte + 1)));
        let Some(Entry::Sent { start, end, more, bytes, .. }) = tally.entry() else { panic!("{tally:?}") };
        assert_eq!((start, end, more.len(), bytes), (0, 1000, LINE_STRETCHES_MAX - 1, Some(2000)));
    }
}
