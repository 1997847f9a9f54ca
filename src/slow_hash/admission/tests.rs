use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use super::*;

fn share(source: u64) -> QueueShare {
    QueueShare { source, client: "web".to_owned() }
}

#[tokio::test]
async fn a_turn_goes_to_the_next_and_not_to_who_is_gone() {
    let queue = AdmissionQueue::new("secret", 1, 8, &Metrics::new());
    let mut cx = Context::from_waker(Waker::noop());
    let Poll::Ready(Ok(first)) = pin!(queue.enter(share(1), None)).poll(&mut cx) else { panic!("free at first") };
    let mut gone = Box::pin(queue.enter(share(2), None));
    let mut late = Box::pin(queue.enter(share(3), None));
    let mut last = Box::pin(queue.enter(share(4), None));
    for waiting in [&mut gone, &mut late, &mut last] {
        assert!(waiting.as_mut().poll(&mut cx).is_pending());
    }
    assert_eq!(queue.depth.get(), 3);
    drop(gone);
    drop(first);
    // given a turn and gone before it was taken
    drop(late);
    let Poll::Ready(Ok(turn)) = last.as_mut().poll(&mut cx) else { panic!("the turn went on") };
    drop(turn);
    assert!(matches!(pin!(queue.enter(share(5), None)).poll(&mut cx), Poll::Ready(Ok(_))));
    drop(last);
    assert_eq!((queue.depth.get(), queue.shed.get()), (0, 0));
}

#[tokio::test]
async fn who_is_displaced_is_told() {
    let queue = AdmissionQueue::new("secret", 1, 2, &Metrics::new());
    let mut cx = Context::from_waker(Waker::noop());
    let Poll::Ready(Ok(_turn)) = pin!(queue.enter(share(1), None)).poll(&mut cx) else { panic!("free at first") };
    let mut flood = [Box::pin(queue.enter(share(1), None)), Box::pin(queue.enter(share(1), None))];
    for waiting in &mut flood {
        assert!(waiting.as_mut().poll(&mut cx).is_pending());
    }
    let mut other = Box::pin(queue.enter(share(2), None));
    assert!(other.as_mut().poll(&mut cx).is_pending());
    let [one, two] = &mut flood;
    assert!(matches!(two.as_mut().poll(&mut cx), Poll::Ready(Err(QueueRefusal::OverShare))));
    assert!(one.as_mut().poll(&mut cx).is_pending());
    assert_eq!(queue.shed.get(), 1);
}

#[tokio::test]
async fn checklist_24_nobody_waits_for_ever() {
    let queue = AdmissionQueue { patience: Duration::ZERO, ..AdmissionQueue::new("secret", 1, 8, &Metrics::new()) };
    let turn = queue.enter(share(1), None).await;
    assert!(turn.is_ok());
    assert!(matches!(queue.enter(share(2), None).await, Err(QueueRefusal::Full)));
    assert_eq!((queue.depth.get(), queue.shed.get()), (0, 1));
}

#[tokio::test]
async fn who_was_given_up_by_its_edge_keeps_no_place() {
    let queue = AdmissionQueue::new("password", 1, 1, &Metrics::new());
    let mut cx = Context::from_waker(Waker::noop());
    let Poll::Ready(Ok(_turn)) = pin!(queue.enter(share(1), None)).poll(&mut cx) else { panic!("free at first") };
    let edge = Arc::new(());
    let waiting = Arc::downgrade(&edge);
    let mut given_up = Box::pin(queue.enter(share(2), Some(&waiting)));
    assert!(given_up.as_mut().poll(&mut cx).is_pending());
    drop(edge);
    let mut other = Box::pin(queue.enter(share(3), None));
    assert!(other.as_mut().poll(&mut cx).is_pending(), "there is room");
    assert!(given_up.as_mut().poll(&mut cx).is_ready());
}
