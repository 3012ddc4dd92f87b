//! Work on folders, by few threads.

use std::sync::{Condvar, Mutex, PoisonError};

/// A walk waits for the disk and for the kernel: two do that at once, more only get in each other's way.
const THREADS: usize = 2;

struct Queue<J> {
    waiting: Vec<J>,
    busy: usize,
}

/// Does `work` on every job, and on those that it adds. Each thread has an outcome of its own.
pub(super) fn each<J: Send, O: Send + Default>(
    first: Vec<J>,
    work: impl Fn(J, &mut Vec<J>, &mut O) + Sync,
) -> impl Iterator<Item = O> {
    let queue = Mutex::new(Queue { waiting: first, busy: 0 });
    let changed = Condvar::new();
    let run = || {
        let mut outcome = O::default();
        let mut more = Vec::new();
        while let Some(job) = next(&queue, &changed) {
            let done = Done { queue: &queue, changed: &changed };
            work(job, &mut more, &mut outcome);
            queue.lock().unwrap_or_else(PoisonError::into_inner).waiting.append(&mut more);
            drop(done);
        }
        outcome
    };
    let outcomes: Vec<O> = std::thread::scope(|scope| {
        let others: Vec<_> = (1..THREADS).map(|_| scope.spawn(run)).collect();
        let mine = run();
        // One that panicked has told so, and what it did not do is not there.
        others.into_iter().filter_map(|other| other.join().ok()).chain([mine]).collect()
    });
    outcomes.into_iter()
}

/// The last one first: then few folders wait.
fn next<J>(queue: &Mutex<Queue<J>>, changed: &Condvar) -> Option<J> {
    let mut queue = queue.lock().unwrap_or_else(PoisonError::into_inner);
    loop {
        if let Some(job) = queue.waiting.pop() {
            queue.busy = queue.busy.saturating_add(1);
            return Some(job);
        }
        if queue.busy == 0 {
            return None;
        }
        queue = changed.wait(queue).unwrap_or_else(PoisonError::into_inner);
    }
}

/// Tells at the end of a job, however it ends.
struct Done<'a, J> {
    queue: &'a Mutex<Queue<J>>,
    changed: &'a Condvar,
}

impl<J> Drop for Done<'_, J> {
    fn drop(&mut self) {
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        queue.busy = queue.busy.saturating_sub(1);
        drop(queue);
        self.changed.notify_all();
    }
}
