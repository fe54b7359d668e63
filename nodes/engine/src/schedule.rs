//! Runs tasks that wait for one another on several threads.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// Calls `run` once for each task, after all of its prerequisites, on up to `threads` threads of which the caller's is
/// one, and `afterwards` for it once its followers may start. Which task runs when depends on the threads, so `run`
/// must give results that do not.
///
/// `prerequisites` lists per task the tasks that come first, each once; there must be no circle. When a function panics
/// no further task starts, and the panic goes on to the caller.
pub(crate) fn run_tasks(
    prerequisites: &[Vec<usize>],
    threads: usize,
    run: &(dyn Fn(usize) + Sync),
    afterwards: &(dyn Fn(usize) + Sync),
) {
    let mut followers = vec![Vec::new(); prerequisites.len()];
    for (task, before) in prerequisites.iter().enumerate() {
        before.iter().for_each(|before| followers[*before].push(task));
    }
    let waiting_for: Vec<usize> = prerequisites.iter().map(Vec::len).collect();
    // The last entry is taken first: reversed, so that earlier tasks come first. Followers are put on top, which goes
    // down one branch before the next and so keeps few results alive.
    let ready = (0..waiting_for.len()).rev().filter(|task| waiting_for[*task] == 0).collect();
    let open = waiting_for.len();
    let board =
        Board { state: Mutex::new(State { ready, waiting_for, open }), changed: Condvar::new(), followers };
    std::thread::scope(|scope| {
        for _ in 1..threads.min(open) {
            scope.spawn(|| board.work(run, afterwards));
        }
        board.work(run, afterwards);
    });
}

struct Board {
    state: Mutex<State>,
    changed: Condvar,
    followers: Vec<Vec<usize>>,
}

struct State {
    /// Tasks that may start.
    ready: Vec<usize>,
    /// Per task, how many prerequisites are not done.
    waiting_for: Vec<usize>,
    /// Tasks that are not done.
    open: usize,
}

/// Lets the other workers go home when one panics: they would wait for its task for ever.
struct StopOnPanic<'a>(&'a Board);

impl Drop for StopOnPanic<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.lock().open = 0;
            self.0.changed.notify_all();
        }
    }
}

impl Board {
    fn work(&self, run: &(dyn Fn(usize) + Sync), afterwards: &(dyn Fn(usize) + Sync)) {
        let _stop = StopOnPanic(self);
        while let Some(task) = self.take() {
            run(task);
            self.done(task);
            afterwards(task);
        }
    }

    /// Waits for a task; `None` when all are done.
    fn take(&self) -> Option<usize> {
        let mut state = self.lock();
        loop {
            if state.open == 0 {
                return None;
            }
            if let Some(task) = state.ready.pop() {
                return Some(task);
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn done(&self, task: usize) {
        let state = &mut *self.lock();
        state.open = state.open.saturating_sub(1);
        for follower in self.followers[task].iter().rev() {
            state.waiting_for[*follower] -= 1;
            if state.waiting_for[*follower] == 0 {
                state.ready.push(*follower);
            }
        }
        self.changed.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[test]
    fn every_task_runs_once_after_its_prerequisites() {
        let before = |task: usize| {
            let mut before: Vec<usize> = [task / 2, task / 3].into_iter().filter(|it| *it < task).collect();
            before.dedup();
            before
        };
        let prerequisites: Vec<Vec<usize>> = (0..200).map(before).collect();
        for threads in [1, 2, 8] {
            let clock = AtomicUsize::new(1);
            let finished: Vec<AtomicUsize> = (0..200).map(|_| AtomicUsize::new(0)).collect();
            let followed_up = AtomicUsize::new(0);
            let run = |task: usize| {
                let done = |before: &usize| finished[*before].load(Ordering::SeqCst) > 0;
                assert!(prerequisites[task].iter().all(done));
                let now = clock.fetch_add(1, Ordering::SeqCst);
                assert_eq!(finished[task].swap(now, Ordering::SeqCst), 0);
            };
            let afterwards = |task: usize| {
                assert!(finished[task].load(Ordering::SeqCst) > 0);
                followed_up.fetch_add(1, Ordering::SeqCst);
            };
            run_tasks(&prerequisites, threads, &run, &afterwards);
            assert_eq!((clock.into_inner(), followed_up.into_inner()), (201, 200));
        }
    }

    #[test]
    fn tasks_that_do_not_wait_for_each_other_run_side_by_side() {
        let meeting = std::sync::Barrier::new(2);
        // Never ends unless both run at once.
        let meet = |_| {
            meeting.wait();
        };
        run_tasks(&[vec![], vec![]], 2, &meet, &|_| {});
    }

    #[test]
    fn a_panic_reaches_the_caller_and_nobody_waits() {
        for threads in [1, 4] {
            let panicking = std::panic::AssertUnwindSafe(|| {
                let fail_second = |task: usize| assert!(task != 1, "second");
                run_tasks(&[vec![], vec![0], vec![1], vec![0]], threads, &fail_second, &|_| {});
            });
            assert!(std::panic::catch_unwind(panicking).is_err());
        }
    }

    #[test]
    fn no_tasks_are_no_work() {
        run_tasks(&[], 4, &|_| unreachable!(), &|_| unreachable!());
    }
}
