//! Drain and reload.
