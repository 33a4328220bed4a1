//! One memory budget for all pictures in flight.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

/// Bytes that passes may take together, and how many passes. What is larger than all of it runs alone.
#[derive(Debug)]
pub struct Budget {
    total: u64,
    passes: usize,
    used: Mutex<Used>,
    freed: Condvar,
}

#[derive(Debug, Default)]
struct Used {
    bytes: u64,
    passes: usize,
}

/// A share that goes back when it is dropped.
#[derive(Debug)]
pub struct Share {
    budget: Arc<Budget>,
    bytes: u64,
}

impl Budget {
    /// At most `passes` at once.
    pub fn new(total: u64, passes: usize) -> Arc<Budget> {
        Arc::new(Budget { total, passes, used: Mutex::default(), freed: Condvar::new() })
    }

    fn lock(&self) -> MutexGuard<'_, Used> {
        // The counts are changed in one statement each: a panic elsewhere leaves them true.
        self.used.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn fits(&self, used: &Used, bytes: u64) -> bool {
        used.passes == 0 || (used.passes < self.passes && used.bytes.saturating_add(bytes) <= self.total)
    }

    /// Takes a share if it is free now.
    pub fn try_take(self: &Arc<Self>, bytes: u64) -> Option<Share> {
        let mut used = self.lock();
        self.fits(&used, bytes).then(|| self.give(&mut used, bytes))
    }

    /// Waits until a share is free. Only for a caller that holds none: two that hold one could wait for each other.
    pub fn take(self: &Arc<Self>, bytes: u64) -> Share {
        let mut used = self.lock();
        while !self.fits(&used, bytes) {
            used = self.freed.wait(used).unwrap_or_else(PoisonError::into_inner);
        }
        self.give(&mut used, bytes)
    }

    fn give(self: &Arc<Self>, used: &mut Used, bytes: u64) -> Share {
        used.bytes = used.bytes.saturating_add(bytes);
        used.passes += 1;
        Share { budget: Arc::clone(self), bytes }
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let mut used = self.budget.lock();
        used.bytes = used.bytes.saturating_sub(self.bytes);
        used.passes -= 1;
        self.budget.freed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_larger_than_the_budget_runs_alone() {
        let budget = Budget::new(10, 2);
        let large = budget.try_take(100).unwrap();
        assert!(budget.try_take(1).is_none());
        drop(large);
        let (a, b) = (budget.try_take(6).unwrap(), budget.try_take(4).unwrap());
        assert!(budget.try_take(1).is_none());
        drop(a);
        assert!(budget.try_take(6).is_some());
        drop(b);
    }

    #[test]
    fn no_more_passes_run_than_allowed() {
        let budget = Budget::new(10, 2);
        let (a, b) = (budget.try_take(1).unwrap(), budget.try_take(1).unwrap());
        assert!(budget.try_take(1).is_none());
        drop(a);
        assert!(budget.try_take(1).is_some());
        drop(b);
    }

    #[test]
    fn a_waiting_pass_is_woken() {
        let budget = Budget::new(10, 2);
        let share = budget.take(10);
        let waiting = std::thread::spawn({
            let budget = Arc::clone(&budget);
            move || drop(budget.take(5))
        });
        drop(share);
        waiting.join().unwrap();
    }
}
