//! Answers that are JSON already when a handler has them.
//!
//! A router hands on values, and a listing of thousands of hunks as one costs more than writing it. So a handler leaves it here, as
//! it is to be sent, and answers `null`; the loop sends what was left. What it means nobody here knows.

use std::cell::RefCell;

use serde_json::value::RawValue;

tokio::task_local! {
    static LEFT: RefCell<Option<Box<RawValue>>>;
}

/// Leaves the answer to the request that is being handled. `false` where nobody looks for it.
pub fn leave(answer: Box<RawValue>) -> bool {
    LEFT.try_with(|left| left.replace(Some(answer))).is_ok()
}

/// Runs a handler; what it gives, and what it left.
pub async fn look_for<R>(handler: impl Future<Output = R>) -> (R, Option<Box<RawValue>>) {
    LEFT.scope(RefCell::default(), async {
        let given = handler.await;
        (given, LEFT.with(RefCell::take))
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_a_handler_leaves_is_found() {
        let raw = || RawValue::from_string("[1]".to_owned()).unwrap();
        assert!(!leave(raw()));
        let (given, left) = look_for(async { leave(raw()) }).await;
        assert_eq!((given, left.map(|left| left.get().to_owned())), (true, Some("[1]".to_owned())));
        assert!(look_for(async {}).await.1.is_none());
    }
}
