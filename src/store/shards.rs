//! shards

/// The shards.
#[derive(Clone, Debug)]
pub struct Shards;
