//! Runs the suite of shared engines on a PostgreSQL of the tests' own.

mod contract;
mod failover;
mod lanes;
mod nodes;
mod server;

pub(super) use server::TestServer;
