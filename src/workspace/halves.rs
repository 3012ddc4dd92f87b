//! Many small things done by two threads: most of them wait for the kernel, or for memory.

use std::ops::Range;

/// Below so many a second thread costs more than it does.
const MANY: usize = 512;

/// `work` on all of `items`, in order: on its halves at the same time where they are many.
pub fn in_halves<'a, T: Sync, R: Send>(items: &'a [T], work: impl Fn(&'a [T]) -> Vec<R> + Sync) -> Vec<R> {
    ranges_in_halves(items.len(), |range| work(items.get(range).unwrap_or_default()))
}

/// The same for what is known by its number.
pub fn ranges_in_halves<R: Send>(count: usize, work: impl Fn(Range<usize>) -> Vec<R> + Sync) -> Vec<R> {
    if count < MANY {
        return work(0..count);
    }
    let (mut done, ahead) = both(|| work(0..count / 2), || work(count / 2..count));
    done.extend(ahead);
    done
}

/// Two things at the same time.
pub fn both<A, B: Send>(one: impl FnOnce() -> A, other: impl Fn() -> B + Sync) -> (A, B) {
    std::thread::scope(|scope| {
        let ahead = scope.spawn(&other);
        let done = one();
        // One that panicked has told so; what it did not do is done here.
        (done, ahead.join().unwrap_or_else(|_| other()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_is_kept() {
        for count in [0, 1, MANY - 1, MANY, MANY + 1] {
            let items: Vec<usize> = (0..count).collect();
            assert_eq!(in_halves(&items, <[usize]>::to_vec), items);
        }
    }
}
