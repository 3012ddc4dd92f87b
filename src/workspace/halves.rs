//! Many small things done by two threads: most of them wait for the kernel, or for memory.

/// Below so many a second thread costs more than it does.
const MANY: usize = 512;

/// `work` on all of `items`, in order: on its halves at the same time where they are many.
pub fn in_halves<T: Sync, R: Send>(items: &[T], work: impl Fn(&[T]) -> Vec<R> + Sync) -> Vec<R> {
    let Some((first, second)) = items.split_at_checked(items.len() / 2).filter(|_| items.len() >= MANY) else {
        return work(items);
    };
    std::thread::scope(|scope| {
        let ahead = scope.spawn(|| work(second));
        let mut done = work(first);
        // One that panicked has told so; what it did not do is done here.
        done.extend(ahead.join().unwrap_or_else(|_| work(second)));
        done
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
