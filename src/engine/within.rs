//! Deadlines, and waiting for several things at once.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::Poll;

/// The result of `work`, unless `limit` comes first.
pub async fn within<T>(limit: impl Future<Output = ()>, work: impl Future<Output = T>) -> Option<T> {
    let mut work = pin!(work);
    let mut limit = pin!(limit);
    poll_fn(|context| match work.as_mut().poll(context) {
        Poll::Ready(result) => Poll::Ready(Some(result)),
        Poll::Pending => limit.as_mut().poll(context).map(|()| None),
    })
    .await
}

/// The results of all of them, which go on side by side. For a few that are boxed it is a tenth of what the library's would weigh.
pub(super) async fn all<T>(mut works: Vec<Pin<Box<dyn Future<Output = T> + '_>>>) -> Vec<T> {
    let mut results: Vec<Option<T>> = Vec::new();
    results.resize_with(works.len(), || None);
    poll_fn(|context| {
        let mut is_done = true;
        for (work, result) in works.iter_mut().zip(&mut results) {
            if result.is_none() {
                match work.as_mut().poll(context) {
                    Poll::Ready(ready) => *result = Some(ready),
                    Poll::Pending => is_done = false,
                }
            }
        }
        if is_done { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
    results.into_iter().flatten().collect()
}
