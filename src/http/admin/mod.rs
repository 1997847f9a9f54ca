//! The admin surface: health and metrics for everyone on its listener, everything else for who
//! holds the admin token. Errors are RFC 9457 problem documents that say what to do.

mod body;
mod clients;
mod codes;
mod device;
mod dispatch;
mod keys;
mod operation;
mod page;
mod problem;
mod revocations;
mod secrets;
mod surface;
mod target;
mod token;
mod users;

pub(crate) use surface::Admin;
pub(crate) use token::AdminToken;
