//! A bounded queue in which each address has its turn, and among those of an address each client (start-time fair
//! queueing, with the longest line giving way). Pure: no waiting, no locks.
//!
//! Each waiter has a place in the line of its address and one in the line of its client there; who comes anew begins at
//! the place that is being served, so that nobody waits behind the whole line of another. Queues are short: everything
//! is a walk over who waits.

/// Whose share of the queue something takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Share {
    /// The network it comes from.
    pub source: u64,
    /// Whom it names, with the issuer.
    pub client: String,
}

/// Why there is no room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Crowded {
    /// Too many wait.
    Full,
    /// Its own address has as many waiting as any other.
    Greedy,
}

pub(super) struct FairQueue<T> {
    waiting: Vec<Waiter<T>>,
    capacity: usize,
    /// The place in line of the address that was served last.
    serving: u64,
    arrivals: u64,
}

struct Waiter<T> {
    share: Share,
    /// Its places: in the line of its address, in that of its client there, among all.
    of_source: u64,
    of_client: u64,
    arrival: u64,
    item: T,
}

impl<T> FairQueue<T> {
    pub(super) fn new(capacity: usize) -> Self {
        Self { waiting: Vec::new(), capacity, serving: 0, arrivals: 0 }
    }

    /// Keeps who still waits.
    pub(super) fn retain(&mut self, waits: impl Fn(&T) -> bool) {
        self.waiting.retain(|waiter| waits(&waiter.item));
    }

    /// Adds one at the end of its lines; gives who has to leave for it.
    pub(super) fn join(&mut self, share: Share, item: T) -> Result<Option<T>, Crowded> {
        let displaced = if self.waiting.len() < self.capacity { None } else { Some(self.displace(share.source)?) };
        let neighbours = || self.waiting.iter().filter(|other| other.share.source == share.source);
        let own = neighbours().filter(|other| other.share.client == share.client);
        let of_source = neighbours().map(|other| other.of_source + 1).max().unwrap_or(self.serving);
        // a client that is new here begins with the first of the others
        let first = || neighbours().map(|other| other.of_client).min().unwrap_or(0);
        let of_client = own.map(|other| other.of_client + 1).max().unwrap_or_else(first);
        self.arrivals += 1;
        self.waiting.push(Waiter { share, of_source, of_client, arrival: self.arrivals, item });
        Ok(displaced)
    }

    /// Who is next.
    pub(super) fn next(&mut self) -> Option<T> {
        let (_, head) = self.waiting.iter().map(|waiter| (waiter.of_source, waiter.arrival)).zip(0..).min()?;
        let (place, source) = (self.waiting[head].of_source, self.waiting[head].share.source);
        let line = self.waiting.iter().zip(0..).filter(|(waiter, _)| waiter.share.source == source);
        let (_, _, chosen) = line.map(|(waiter, at)| (waiter.of_client, waiter.arrival, at)).min()?;
        // whoever of the address goes first, its place in line is the first
        self.waiting[head].of_source = self.waiting[chosen].of_source;
        self.serving = place;
        Some(self.waiting.remove(chosen).item)
    }

    /// Takes the last out of the longest line, if that is longer than the line of `source` would become.
    fn displace(&mut self, source: u64) -> Result<T, Crowded> {
        let length = |source| self.waiting.iter().filter(|waiter| waiter.share.source == source).count();
        let lines = self.waiting.iter().map(|waiter| (length(waiter.share.source), waiter.share.source));
        let Some((longest, victim)) = lines.max() else { return Err(Crowded::Full) };
        let own = length(source);
        if longest <= own + 1 {
            // nobody has more; who has some already has its share
            return Err(if own > 0 { Crowded::Greedy } else { Crowded::Full });
        }
        let line = self.waiting.iter().zip(0..).filter(|(waiter, _)| waiter.share.source == victim);
        let last = line.map(|(waiter, at)| (waiter.of_client, waiter.arrival, at)).max();
        let (_, _, last) = last.ok_or(Crowded::Full)?;
        // the place in line that is given up is the last one, whoever leaves
        let end =
            self.waiting.iter().filter(|waiter| waiter.share.source == victim).map(|waiter| waiter.of_source).max();
        let left = self.waiting.remove(last);
        if let Some(tail) =
            self.waiting.iter_mut().find(|waiter| waiter.share.source == victim && Some(waiter.of_source) == end)
        {
            tail.of_source = left.of_source;
        }
        Ok(left.item)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn share(source: u64, client: &str) -> Share {
        Share { source, client: client.to_owned() }
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
        assert_eq!(rest(&mut queue), ["c1", "d1", "a2", "b2", "a3"]);
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
    fn a_full_queue_takes_from_the_longest_line() {
        let mut queue = FairQueue::new(4);
        for item in ["a1", "a2", "a3", "a4"] {
            queue.join(share(1, "web"), item).unwrap();
        }
        assert_eq!(queue.join(share(1, "other"), "a5"), Err(Crowded::Greedy));
        assert_eq!(queue.join(share(2, "web"), "b1"), Ok(Some("a4")));
        assert_eq!(queue.join(share(2, "web"), "b2"), Ok(Some("a3")));
        assert_eq!(queue.join(share(2, "web"), "b3"), Err(Crowded::Greedy));
        assert_eq!(queue.join(share(3, "web"), "c1"), Ok(Some("b2")), "of two lines as long as each other, one");
        assert_eq!(rest(&mut queue), ["a1", "b1", "c1", "a2"]);
        assert_eq!(FairQueue::new(0).join(share(1, "web"), "a1"), Err(Crowded::Full));
        let mut queue = FairQueue::new(1);
        queue.join(share(1, "web"), "a1").unwrap();
        assert_eq!(queue.join(share(2, "web"), "b1"), Err(Crowded::Full), "nobody has more than one");
    }
}
