//! The network that an address counts by.

use std::net::IpAddr;

/// Returns the network of an address: an IPv4 address counts by itself, an IPv6 address by its /64.
pub(crate) fn network(source: IpAddr) -> u64 {
    match source {
        IpAddr::V4(address) => u64::from(address.to_bits()),
        IpAddr::V6(address) => (address.to_bits() >> 64) as u64 | 1 << 63,
    }
}
