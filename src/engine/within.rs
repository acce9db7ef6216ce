//! Deadlines.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use super::ports::Ports;

/// The result of `work`, unless it takes longer than `limit`.
pub(super) async fn within<P: Ports, T>(ports: &P, limit: Duration, work: impl Future<Output = T>) -> Option<T> {
    let mut work = pin!(work);
    let mut limit = pin!(ports.sleep(limit));
    poll_fn(|context| match work.as_mut().poll(context) {
        Poll::Ready(result) => Poll::Ready(Some(result)),
        Poll::Pending => limit.as_mut().poll(context).map(|()| None),
    })
    .await
}
