//! Address ranges.

use std::net::IpAddr;

/// A range of IPv4 or IPv6 addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cidr {
    network: IpAddr,
    bits: u32,
}

impl Cidr {
    /// Reads `10.0.0.0/24`.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let malformed = || format!("Malformed CIDR, one '/' required: \"{text}\"");
        let (address, bits) = text.split_once('/').ok_or_else(malformed)?;
        let network: IpAddr =
            address.parse().map_err(|_| format!("Malformed CIDR, not an IP address: \"{address}\""))?;
        let bits: u32 =
            bits.parse().map_err(|_| format!("Malformed CIDR, mask bits must be an integer: \"{bits}\""))?;
        let most = if network.is_ipv4() { 32 } else { 128 };
        if bits > most {
            return Err(format!("Malformed CIDR, mask bits must not exceed {most}: \"{bits}\""));
        }
        Ok(Self { network, bits })
    }

    pub(super) fn contains(&self, text: &str) -> bool {
        let same = |a: u128, b: u128, width: u32| {
            // A shift by the whole width would overflow; no bits means every address.
            self.bits == 0 || (a ^ b) >> (width - self.bits) == 0
        };
        match (self.network, text.parse()) {
            (IpAddr::V4(network), Ok(IpAddr::V4(address))) => {
                same(u128::from(network.to_bits()), u128::from(address.to_bits()), 32)
            }
            (IpAddr::V6(network), Ok(IpAddr::V6(address))) => same(network.to_bits(), address.to_bits(), 128),
            _ => false,
        }
    }
}
