//! Which printer of a pool gets the next sheet.

use crate::model::config::Allocate;

/// A printer that could take the sheet now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Candidate {
    /// Our open units and what else waits at it.
    pub(super) open: usize,
    pub(super) priority: i32,
    /// When it last got one; lower is longer ago.
    pub(super) served: u64,
}

/// The index of the one that gets it.
pub(super) fn choose(allocate: Allocate, candidates: &[Candidate]) -> Option<usize> {
    let rank = |candidate: &Candidate| match allocate {
        Allocate::LeastBusy => (i64::try_from(candidate.open).unwrap_or(i64::MAX), candidate.served),
        Allocate::RoundRobin => (0, candidate.served),
        Allocate::Priority => (-i64::from(candidate.priority), candidate.served),
    };
    (0..candidates.len()).min_by_key(|index| rank(&candidates[*index]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(open: usize, priority: i32, served: u64) -> Candidate {
        Candidate { open, priority, served }
    }

    #[test]
    fn each_way_to_allocate() {
        let printers = [of(2, 1, 1), of(1, 5, 9), of(1, 5, 4)];
        assert_eq!(choose(Allocate::LeastBusy, &printers), Some(2), "of the least busy the one that waited longer");
        assert_eq!(choose(Allocate::RoundRobin, &printers), Some(0));
        assert_eq!(choose(Allocate::Priority, &printers), Some(2));
        assert_eq!(choose(Allocate::Priority, &printers[..2]), Some(1));
        assert_eq!(choose(Allocate::LeastBusy, &[]), None);
    }
}
