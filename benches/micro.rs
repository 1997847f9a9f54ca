//! micro
fn main() {}
