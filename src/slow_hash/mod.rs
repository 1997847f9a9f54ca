//! argon2id, for passwords of users and imported client secrets: its cost, the queue for it, and the threads that compute
//! it, so that a flood of logins cannot slow down anything else.

mod admission;
mod config;
pub mod cost;
mod pool;
mod threads;
mod waiting;

pub use admission::{QueueRefusal, QueueShare};
pub use config::HashPoolConfig;
pub use cost::Cost;
pub use pool::{HashPool, HashTurn};
pub use waiting::{Full, Waiting};
