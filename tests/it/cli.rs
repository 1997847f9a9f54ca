//! The commands that talk to a running daemon.
