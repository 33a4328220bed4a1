//! The threads that make pictures, each one picture at a time.
//!
//! Owns: a picture stays on its thread from its first byte to its last; only its pixel loops are shared out to the
//! pixel pool. On the pool's own threads it would not: one of them that waits for its part of a loop takes up whatever
//! else is to be done, and would begin one more picture in the middle of another.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use crate::render;

type Job = Box<dyn FnOnce() + Send>;

/// A thread that has had nothing to do for so long frees the buffers that it keeps for its next picture.
const IDLE: Duration = Duration::from_secs(3);

#[derive(Default)]
struct Queue {
    jobs: Mutex<Waiting>,
    changed: Condvar,
}

#[derive(Default)]
struct Waiting {
    jobs: VecDeque<Job>,
    closed: bool,
}

impl Queue {
    fn with<T>(&self, work: impl FnOnce(&mut Waiting) -> T) -> T {
        // Jobs are put in and taken out by one call each: a panic elsewhere leaves the list whole.
        work(&mut self.jobs.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The next job; none once the queue is closed and empty.
    fn next(&self) -> Option<Job> {
        let idle = |waiting: &mut Waiting| waiting.jobs.is_empty() && !waiting.closed;
        let waiting = self.jobs.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.changed.wait_timeout_while(waiting, IDLE, idle);
        let (mut waiting, timeout) = waited.unwrap_or_else(PoisonError::into_inner);
        if timeout.timed_out() {
            drop(waiting);
            render::release();
            waiting = self.jobs.lock().unwrap_or_else(PoisonError::into_inner);
            waiting = self.changed.wait_while(waiting, idle).unwrap_or_else(PoisonError::into_inner);
        }
        waiting.jobs.pop_front()
    }
}

/// They end when this is dropped, after what was handed to them.
pub(super) struct Makers {
    queue: Arc<Queue>,
}

impl std::fmt::Debug for Makers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Makers")
    }
}

impl Makers {
    /// Each thread keeps at most `kept` bytes for its next picture.
    pub(super) fn start(threads: usize, kept: usize) -> std::io::Result<Makers> {
        let makers = Makers { queue: Arc::default() };
        for i in 0..threads {
            let queue = Arc::clone(&makers.queue);
            std::thread::Builder::new().name(format!("picture-{i}")).spawn(move || {
                render::keep_at_most(kept);
                while let Some(job) = queue.next() {
                    job();
                }
            })?;
        }
        Ok(makers)
    }

    /// The job must not panic: it would take its thread with it.
    pub(super) fn make(&self, job: impl FnOnce() + Send + 'static) {
        self.queue.with(|waiting| waiting.jobs.push_back(Box::new(job)));
        self.queue.changed.notify_one();
    }
}

impl Drop for Makers {
    fn drop(&mut self) {
        self.queue.with(|waiting| waiting.closed = true);
        self.queue.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[test]
    fn each_thread_does_one_job_at_a_time() {
        let makers = Makers::start(2, 0).unwrap();
        let (sender, results) = mpsc::channel();
        let (go, wait) = mpsc::channel::<()>();
        let wait = Arc::new(Mutex::new(wait));
        for i in 0..3 {
            let (sender, wait) = (sender.clone(), Arc::clone(&wait));
            makers.make(move || {
                sender.send(i).unwrap();
                wait.lock().unwrap().recv().unwrap();
            });
        }
        let mut begun = [results.recv().unwrap(), results.recv().unwrap()];
        begun.sort_unstable();
        assert_eq!(begun, [0, 1]);
        assert!(results.recv_timeout(Duration::from_millis(50)).is_err(), "a third one has to wait");
        go.send(()).unwrap();
        assert_eq!(results.recv().unwrap(), 2);
        // What was handed over is finished though nobody is there to hand over more.
        drop(makers);
        go.send(()).unwrap();
        go.send(()).unwrap();
        drop(sender);
        assert!(results.recv().is_err());
    }
}
