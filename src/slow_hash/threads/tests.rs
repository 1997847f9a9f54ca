use super::*;

#[tokio::test]
async fn a_login_gets_through_while_low_priority_threads_get_no_core() {
    let cost = Cost { memory_kib: 8 * 1024, ..Cost::default() };
    let (metrics, config) = (Metrics::new(), HashPoolConfig { queue: 2, cost, ..HashPoolConfig::default() });
    // what waits is taken by nobody: a thread that is never given a core
    let (threads, waiting, overdue) = HashThreads::without_threads("password", &config, &metrics);
    threads.spawn("password-overdue".to_owned(), Arc::new(Mutex::new(overdue)), false).unwrap();
    let horse = threads.hash("horse").await.unwrap().unwrap();
    let edge = Arc::new(());
    assert_eq!(threads.verify("horse", horse.clone(), Some(&Arc::downgrade(&edge))).await, Ok(true));
    assert_eq!(threads.verify("horse", horse, Some(&Arc::downgrade(&edge))).await, Err(Full), "its queue is full");
    assert_eq!((threads.rescued.get(), threads.queue.get()), (2, 0), "what was rescued does not wait any more");
    // the thread gets a core again: it leaves what was done, and has room
    threads.spawn("password-0".to_owned(), Arc::new(Mutex::new(waiting)), true).unwrap();
    let soon = timeout(Duration::from_secs(10), async {
        while threads.hash("mule").await.is_err() {
            tokio::task::yield_now().await;
        }
    });
    soon.await.unwrap();
}

#[tokio::test]
async fn what_is_over_the_queue_is_refused_at_once_and_the_rest_is_answered() {
    let cost = Cost { memory_kib: 8 * 1024, ..Cost::default() };
    let metrics = Metrics::new();
    let threads = HashThreads::start("password", &HashPoolConfig { workers: 1, queue: 2, cost }, &metrics).unwrap();
    let horse = threads.hash("horse").await.unwrap().unwrap();
    let edge = Arc::new(());
    let waiting = Arc::downgrade(&edge);
    let tries = (0..50).map(|_| threads.verify("horse", horse.clone(), Some(&waiting)));
    let answers = futures(tries).await;
    let right = answers.iter().filter(|answer| **answer == Ok(true)).count();
    assert!((2..50).contains(&right), "{right}");
    assert!(answers.iter().all(|answer| matches!(answer, Ok(true) | Err(Full))));
    assert_eq!(usize::try_from(threads.shed.get()).unwrap(), 50 - right);
    assert_eq!((threads.queue.get(), threads.verify("donkey", horse, Some(&waiting)).await), (0, Ok(false)));
}

#[tokio::test]
async fn a_password_whose_request_was_given_up_meanwhile_is_not_hashed() {
    let cost = Cost { memory_kib: 8 * 1024, ..Cost::default() };
    let threads =
        HashThreads::start("password", &HashPoolConfig { workers: 1, queue: 8, cost }, &Metrics::new()).unwrap();
    let horse = threads.hash("horse").await.unwrap().unwrap();
    let edges = [Arc::new(()), Arc::new(())];
    let [first, second] = edges.each_ref().map(Arc::downgrade);
    let [there, gone] = edges;
    drop(gone);
    // the task that waits for the hash is there all along, as that of a grant is
    assert_eq!(threads.verify("horse", horse.clone(), Some(&second)).await, Err(Full));
    assert_eq!(threads.verify("horse", horse, Some(&first)).await, Ok(true));
    drop(there);
}

async fn futures<T>(all: impl Iterator<Item = impl Future<Output = T>>) -> Vec<T> {
    let mut waiting: Vec<_> = all.map(Box::pin).collect();
    let mut done: Vec<Option<T>> = waiting.iter().map(|_| None).collect();
    std::future::poll_fn(|cx| {
        for (future, slot) in waiting.iter_mut().zip(&mut done) {
            if slot.is_none()
                && let std::task::Poll::Ready(value) = future.as_mut().poll(cx)
            {
                *slot = Some(value);
            }
        }
        if done.iter().all(Option::is_some) { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
    .await;
    done.into_iter().flatten().collect()
}
