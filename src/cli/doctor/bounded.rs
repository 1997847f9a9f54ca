//! Checks over the network, some at once and all within one limit: behind a dead proxy each of them takes its whole time.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

/// Most probes under way at once.
const AT_ONCE: usize = 10;
/// Longest time for all probes of a kind.
pub(super) const ALL: Duration = Duration::from_secs(60);

/// A check over the network.
pub(super) type Probe<'a, T> = Pin<Box<dyn Future<Output = T> + 'a>>;

/// Runs the probes and returns their results in order, `None` for those that did not end within `limit`.
pub(super) async fn run_all<T>(probes: Vec<Probe<'_, T>>, limit: Duration) -> Vec<Option<T>> {
    let mut found: Vec<Option<T>> = probes.iter().map(|_| None).collect();
    let mut waiting = found.iter_mut().zip(probes);
    let mut running = Vec::new();
    let ended = poll_fn(|context| {
        loop {
            running.extend(waiting.by_ref().take(AT_ONCE - running.len()));
            let before = running.len();
            running.retain_mut(|(found, probe)| match probe.as_mut().poll(context) {
                Poll::Ready(gave) => {
                    **found = Some(gave);
                    false
                }
                Poll::Pending => true,
            });
            match running.len() {
                0 if before == 0 => return Poll::Ready(()),
                left if left == before => return Poll::Pending,
                _ => {}
            }
        }
    });
    let _ = tokio::time::timeout(limit, ended).await;
    drop(running);
    found
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[tokio::test]
    async fn probes_are_made_ten_at_once_and_those_beyond_the_limit_are_left_out() {
        let (under_way, most) = (Cell::new(0), Cell::new(0));
        let (under_way, most) = (&under_way, &most);
        let probe = |index: usize| -> Probe<'_, usize> {
            Box::pin(async move {
                under_way.set(under_way.get() + 1);
                most.set(most.get().max(under_way.get()));
                tokio::task::yield_now().await;
                if index == 150 {
                    std::future::pending::<()>().await;
                }
                under_way.set(under_way.get() - 1);
                index
            })
        };
        let found = run_all((0..200).map(probe).collect(), Duration::from_millis(200)).await;
        assert_eq!(most.get(), AT_ONCE);
        assert_eq!(found.iter().flatten().count(), 199);
        for (index, gave) in found.into_iter().enumerate() {
            assert_eq!(gave, (index != 150).then_some(index));
        }
        let silent: Vec<Probe<'_, ()>> = (0..200).map(|_| Box::pin(std::future::pending()) as Probe<'_, ()>).collect();
        assert_eq!(run_all(silent, Duration::from_millis(50)).await, vec![None; 200]);
        assert_eq!(run_all(Vec::<Probe<'_, ()>>::new(), Duration::ZERO).await, Vec::new());
    }
}
