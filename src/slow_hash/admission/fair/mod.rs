//! A bounded fair queue: round robin over networks, and over the clients of each network; when it is full, the longest
//! line gives way. Pure: no waiting, no locks.
//!
//! A network goes to the end of the round after each of its turns, and a new one enters there: nobody waits behind the
//! whole line of another, and nobody is passed over for ever by later arrivals. Each operation walks over the queue once.

use std::collections::VecDeque;

/// The network and the client that a queued item counts for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueueShare {
    /// Number of the network that the request comes from.
    pub source: u64,
    /// The client or user that the request names, with its issuer.
    pub client: String,
}

impl QueueShare {
    /// Returns the share of the operator: no network has its number.
    pub fn operator() -> Self {
        Self { source: u64::MAX, client: String::new() }
    }
}

/// The reason why an item is not queued.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QueueRefusal {
    /// Too many wait, or the item waited too long.
    Full,
    /// The network of the item has as many waiting as any other, and its client as many as any other of the network.
    OverShare,
}

pub(super) struct FairQueue<T> {
    /// In the order of their turns; none is empty.
    sources: VecDeque<NetworkLine<T>>,
    waiting: usize,
    capacity: usize,
}

/// The items of one network.
struct NetworkLine<T> {
    network: u64,
    /// In the order of their turns; none is empty.
    clients: VecDeque<ClientLine<T>>,
    waiting: usize,
}

/// The items of one client of a network.
struct ClientLine<T> {
    client: String,
    items: VecDeque<T>,
}

impl<T> FairQueue<T> {
    pub(super) fn new(capacity: usize) -> Self {
        Self { sources: VecDeque::new(), waiting: 0, capacity }
    }

    /// Removes the items for which `waits` is false.
    pub(super) fn retain(&mut self, waits: impl Fn(&T) -> bool) {
        self.sources.retain_mut(|source| {
            source.clients.retain_mut(|line| {
                line.items.retain(&waits);
                !line.items.is_empty()
            });
            source.waiting = source.clients.iter().map(|line| line.items.len()).sum();
            source.waiting > 0
        });
        self.waiting = self.sources.iter().map(|source| source.waiting).sum();
    }

    /// Adds an item at the end of its line; returns the item that has to leave for it.
    pub(super) fn join(&mut self, share: QueueShare, item: T) -> Result<Option<T>, QueueRefusal> {
        let displaced = if self.waiting < self.capacity { None } else { Some(self.displace(&share)?) };
        self.waiting += 1;
        match self.sources.iter_mut().find(|source| source.network == share.source) {
            Some(source) => source.join(share.client, item),
            None => {
                let line = ClientLine { client: share.client, items: VecDeque::from([item]) };
                self.sources.push_back(NetworkLine {
                    network: share.source,
                    clients: VecDeque::from([line]),
                    waiting: 1,
                });
            }
        }
        Ok(displaced)
    }

    /// Removes and returns the item whose turn is next.
    pub(super) fn next(&mut self) -> Option<T> {
        let mut source = self.sources.pop_front()?;
        let item = source.next();
        self.waiting -= usize::from(item.is_some());
        if source.waiting > 0 {
            self.sources.push_back(source);
        }
        item
    }

    /// Removes the last item of the longest line: of another network, if that has more waiting than the network of `share`
    /// would have, or else of another client of the same network, likewise.
    fn displace(&mut self, share: &QueueShare) -> Result<T, QueueRefusal> {
        let own = self.sources.iter().position(|source| source.network == share.source);
        let longest = self.sources.iter().zip(0..).max_by_key(|(source, _)| source.waiting);
        let longest = longest.map(|(source, at)| (source.waiting, at)).ok_or(QueueRefusal::Full)?;
        let victim = match own.and_then(|own| Some((own, self.sources.get(own)?))) {
            // nobody has more than one
            None if longest.0 <= 1 => return Err(QueueRefusal::Full),
            Some((own, source)) if longest.0 <= source.waiting + 1 => {
                let [most, of_client] = [source.longest(), source.of_client(&share.client)];
                if most <= of_client + 1 {
                    return Err(QueueRefusal::OverShare);
                }
                own
            }
            None | Some(_) => longest.1,
        };
        let source = self.sources.get_mut(victim).ok_or(QueueRefusal::Full)?;
        let left = source.leave().ok_or(QueueRefusal::Full)?;
        if source.waiting == 0 {
            self.sources.remove(victim);
        }
        self.waiting -= 1;
        Ok(left)
    }
}

impl<T> NetworkLine<T> {
    fn join(&mut self, client: String, item: T) {
        self.waiting += 1;
        match self.clients.iter_mut().find(|line| line.client == client) {
            Some(line) => line.items.push_back(item),
            None => self.clients.push_back(ClientLine { client, items: VecDeque::from([item]) }),
        }
    }

    fn next(&mut self) -> Option<T> {
        let mut line = self.clients.pop_front()?;
        let item = line.items.pop_front();
        self.waiting -= usize::from(item.is_some());
        if !line.items.is_empty() {
            self.clients.push_back(line);
        }
        item
    }

    fn longest(&self) -> usize {
        self.clients.iter().map(|line| line.items.len()).max().unwrap_or_default()
    }

    fn of_client(&self, client: &str) -> usize {
        self.clients.iter().find(|line| line.client == client).map_or(0, |line| line.items.len())
    }

    /// Removes the last item of its longest line.
    fn leave(&mut self) -> Option<T> {
        let (line, at) = self.clients.iter_mut().zip(0..).max_by_key(|(line, _)| line.items.len())?;
        let left = line.items.pop_back();
        let is_empty = line.items.is_empty();
        if is_empty {
            self.clients.remove(at);
        }
        self.waiting -= usize::from(left.is_some());
        left
    }
}

#[cfg(test)]
mod tests;
