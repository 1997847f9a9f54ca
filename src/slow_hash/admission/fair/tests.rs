use super::*;

fn share(source: u64, client: &str) -> QueueShare {
    QueueShare { source, client: client.to_owned() }
}

fn rest(queue: &mut FairQueue<&'static str>) -> Vec<&'static str> {
    std::iter::from_fn(|| queue.next()).collect()
}

#[test]
fn each_address_has_its_turn_whoever_came_first() {
    let mut queue = FairQueue::new(10);
    for (source, item) in [(1, "a1"), (1, "a2"), (1, "a3"), (2, "b1"), (2, "b2"), (3, "c1")] {
        queue.join(share(source, "web"), item).unwrap();
    }
    assert_eq!([queue.next(), queue.next()], [Some("a1"), Some("b1")]);
    queue.join(share(4, "web"), "d1").unwrap();
    assert_eq!(rest(&mut queue), ["c1", "a2", "b2", "d1", "a3"], "who comes anew waits for one of each");
}

#[test]
fn each_client_of_an_address_has_its_turn_and_takes_none_of_another_address() {
    let mut queue = FairQueue::new(10);
    for (source, client, item) in
        [(1, "x", "x1"), (1, "x", "x2"), (1, "x", "x3"), (2, "z", "z1"), (2, "z", "z2"), (1, "y", "y1")]
    {
        queue.join(share(source, client), item).unwrap();
    }
    assert_eq!(rest(&mut queue), ["x1", "z1", "y1", "z2", "x2", "x3"]);
}

#[test]
fn nobody_is_passed_over_for_ever_by_addresses_that_are_new() {
    let mut queue = FairQueue::new(10);
    for item in ["a1", "a2", "a3"] {
        queue.join(share(0, "web"), item).unwrap();
    }
    let served = (1..=10).filter_map(|source| {
        queue.join(share(source, "web"), "new").unwrap();
        queue.next()
    });
    let of_first = served.filter(|item| item.starts_with('a')).count();
    assert_eq!(of_first, 3);
}

#[test]
fn a_full_queue_takes_from_the_longest_line() {
    let mut queue = FairQueue::new(4);
    for item in ["a1", "a2", "a3", "a4"] {
        queue.join(share(1, "web"), item).unwrap();
    }
    assert_eq!(queue.join(share(1, "web"), "a5"), Err(QueueRefusal::OverShare));
    assert_eq!(queue.join(share(2, "web"), "b1"), Ok(Some("a4")));
    assert_eq!(queue.join(share(2, "web"), "b2"), Ok(Some("a3")));
    assert_eq!(queue.join(share(2, "web"), "b3"), Err(QueueRefusal::OverShare));
    assert_eq!(queue.join(share(3, "web"), "c1"), Ok(Some("b2")), "of two lines as long as each other, one");
    assert_eq!(rest(&mut queue), ["a1", "b1", "c1", "a2"]);
    assert_eq!(FairQueue::new(0).join(share(1, "web"), "a1"), Err(QueueRefusal::Full));
    let mut queue = FairQueue::new(1);
    queue.join(share(1, "web"), "a1").unwrap();
    assert_eq!(queue.join(share(2, "web"), "b1"), Err(QueueRefusal::Full), "nobody has more than one");
}

#[test]
fn a_client_that_fills_its_address_gives_way_to_its_neighbour() {
    let mut queue = FairQueue::new(4);
    for item in ["x1", "x2", "x3", "x4"] {
        queue.join(share(1, "x"), item).unwrap();
    }
    assert_eq!(queue.join(share(1, "y"), "y1"), Ok(Some("x4")));
    assert_eq!(queue.join(share(1, "y"), "y2"), Ok(Some("x3")));
    assert_eq!(queue.join(share(1, "y"), "y3"), Err(QueueRefusal::OverShare));
    assert_eq!(rest(&mut queue), ["x1", "y1", "x2", "y2"]);
}

#[test]
fn who_is_gone_leaves_no_line_behind() {
    let mut queue = FairQueue::new(3);
    for (source, client, item) in [(1, "x", "gone"), (2, "x", "gone"), (2, "y", "y1")] {
        queue.join(share(source, client), item).unwrap();
    }
    queue.retain(|item| *item != "gone");
    assert_eq!((queue.waiting, queue.sources.len()), (1, 1));
    assert_eq!((queue.next(), queue.next(), queue.waiting), (Some("y1"), None, 0));
}
