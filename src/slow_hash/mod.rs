//! argon2id, for passwords of users and imported client secrets: its cost, the queue for it, and the threads that compute
//! it, so that a flood of logins cannot slow down anything else.

mod admission;
mod config;
pub(crate) mod cost;
mod pool;
mod threads;
mod waiting;

pub(crate) use admission::{QueueRefusal, QueueShare};
pub(crate) use config::HashPoolConfig;
pub(crate) use cost::Cost;
pub(crate) use pool::{HashPool, HashTurn};
pub(crate) use waiting::{Full, Waiting};
