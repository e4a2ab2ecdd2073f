//! Which addresses are of the public internet.
//!
//! Responsible for the registries of IANA, kept as a table, and for the IPv4 addresses that IPv6 ones carry. Called by
//! `net::connect`, where somebody else's scenario may reach public addresses only, and by the ticket that names the others.
//!
//! The table is that of the registries of special-purpose addresses (RFC 6890) of 2025-10-09,
//! <https://www.iana.org/assignments/iana-ipv4-special-registry> and
//! <https://www.iana.org/assignments/iana-ipv6-special-registry>, and the multicast blocks. A later entry that lies within an
//! earlier one decides.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A block of addresses: its first, the length of its prefix, and whether it is globally reachable.
type Block<Address> = (Address, u32, bool);

const V4: &[Block<Ipv4Addr>] = &[
    (Ipv4Addr::UNSPECIFIED, 8, false),
    (Ipv4Addr::new(10, 0, 0, 0), 8, false),
    (Ipv4Addr::new(100, 64, 0, 0), 10, false),
    (Ipv4Addr::new(127, 0, 0, 0), 8, false),
    (Ipv4Addr::new(169, 254, 0, 0), 16, false),
    (Ipv4Addr::new(172, 16, 0, 0), 12, false),
    (Ipv4Addr::new(192, 0, 0, 0), 24, false),
    (Ipv4Addr::new(192, 0, 0, 9), 32, true),
    (Ipv4Addr::new(192, 0, 0, 10), 32, true),
    (Ipv4Addr::new(192, 0, 2, 0), 24, false),
    (Ipv4Addr::new(192, 31, 196, 0), 24, true),
    (Ipv4Addr::new(192, 52, 193, 0), 24, true),
    (Ipv4Addr::new(192, 88, 99, 0), 24, false),
    (Ipv4Addr::new(192, 168, 0, 0), 16, false),
    (Ipv4Addr::new(192, 175, 48, 0), 24, true),
    (Ipv4Addr::new(198, 18, 0, 0), 15, false),
    (Ipv4Addr::new(198, 51, 100, 0), 24, false),
    (Ipv4Addr::new(203, 0, 113, 0), 24, false),
    (Ipv4Addr::new(224, 0, 0, 0), 4, false),
    (Ipv4Addr::new(240, 0, 0, 0), 4, false),
];

const V6: &[Block<Ipv6Addr>] = &[
    (Ipv6Addr::UNSPECIFIED, 0, false),
    // Global unicast (RFC 4291 section 2.4)
    (Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0), 3, true),
    // IPv4-IPv6 translation; what it leads to is looked at
    (Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, 0, 0), 96, true),
    (Ipv6Addr::new(0x64, 0xff9b, 1, 0, 0, 0, 0, 0), 48, false),
    (Ipv6Addr::new(0x100, 0, 0, 0, 0, 0, 0, 0), 64, false),
    (Ipv6Addr::new(0x100, 0, 0, 1, 0, 0, 0, 0), 64, false),
    // IETF protocol assignments, and those of them that are reachable
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23, false),
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 32, true),
    (Ipv6Addr::new(0x2001, 1, 0, 0, 0, 0, 0, 1), 128, true),
    (Ipv6Addr::new(0x2001, 1, 0, 0, 0, 0, 0, 2), 128, true),
    (Ipv6Addr::new(0x2001, 1, 0, 0, 0, 0, 0, 3), 128, true),
    (Ipv6Addr::new(0x2001, 3, 0, 0, 0, 0, 0, 0), 32, true),
    (Ipv6Addr::new(0x2001, 4, 0x112, 0, 0, 0, 0, 0), 48, true),
    (Ipv6Addr::new(0x2001, 0x20, 0, 0, 0, 0, 0, 0), 28, true),
    (Ipv6Addr::new(0x2001, 0x30, 0, 0, 0, 0, 0, 0), 28, true),
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32, false),
    (Ipv6Addr::new(0x2620, 0x4f, 0x8000, 0, 0, 0, 0, 0), 48, true),
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20, false),
    // Outside of 2000::/3 and named here for whoever compares this with the registry
    (Ipv6Addr::new(0x5f00, 0, 0, 0, 0, 0, 0, 0), 16, false),
    (Ipv6Addr::new(0xfc00, 0, 0, 0, 0, 0, 0, 0), 7, false),
    (Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0), 10, false),
    (Ipv6Addr::new(0xfec0, 0, 0, 0, 0, 0, 0, 0), 10, false),
    (Ipv6Addr::new(0xff00, 0, 0, 0, 0, 0, 0, 0), 8, false),
];

/// Whether an address, and each one that it carries, is globally reachable.
pub(crate) fn is_public(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(v4) => is_public_v4(v4),
        IpAddr::V6(v6) => is_reachable(v6) && carried(v6).into_iter().all(is_public_v4),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let within =
        |(first, length, _): &&Block<Ipv4Addr>| (u32::from(address) ^ u32::from(*first)).leading_zeros() >= *length;
    V4.iter().rfind(within).is_none_or(|(_, _, reachable)| *reachable)
}

fn is_reachable(address: Ipv6Addr) -> bool {
    let within =
        |(first, length, _): &&Block<Ipv6Addr>| (u128::from(address) ^ u128::from(*first)).leading_zeros() >= *length;
    V6.iter().rfind(within).is_some_and(|(_, _, reachable)| *reachable)
}

/// The IPv4 addresses that a tunnel or a translator would send to.
fn carried(address: Ipv6Addr) -> Vec<Ipv4Addr> {
    let octets = address.octets();
    let at = |start: usize| Ipv4Addr::new(octets[start], octets[start + 1], octets[start + 2], octets[start + 3]);
    match address.segments() {
        // NAT64 (RFC 6052)
        [0x64, 0xff9b, 0, 0, 0, 0, _, _] => vec![at(12)],
        // 6to4 (RFC 3056)
        [0x2002, ..] => vec![at(2)],
        // Teredo (RFC 4380): its server, and its client in the complement
        [0x2001, 0, ..] => vec![at(4), Ipv4Addr::from(!u32::from(at(12)))],
        // ISATAP (RFC 5214)
        [_, _, _, _, 0 | 0x200, 0x5efe, _, _] => vec![at(12)],
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn public(address: &str) -> bool {
        is_public(address.parse().unwrap())
    }

    #[test]
    fn each_entry_decides_from_its_first_address_to_its_last() {
        for (first, length, reachable) in V4 {
            let last = u32::from(*first) | u32::MAX.checked_shr(*length).unwrap_or(0);
            let middle = u32::from(*first) + (last - u32::from(*first)) / 2;
            for address in [u32::from(*first), middle, last].map(Ipv4Addr::from) {
                let inner = V4.iter().rfind(|(at, size, _)| *size == 32 && *at == address);
                assert_eq!(is_public_v4(address), inner.map_or(*reachable, |inner| inner.2), "{address}");
                for (kind, prefix) in [("mapped", 0xffff_u128 << 32), ("compatible", 0), ("translated", 0xffff << 48)] {
                    let address = Ipv6Addr::from(prefix | u128::from(u32::from(address)));
                    assert!(!is_public(address.into()) || (kind == "mapped" && *reachable), "{kind} {address}");
                }
                let nat64 = Ipv6Addr::from((0x64_ff9b_u128 << 96) | u128::from(u32::from(address)));
                let six_to_four = Ipv6Addr::from((0x2002_u128 << 112) | (u128::from(u32::from(address)) << 80) | 1);
                assert_eq!(is_public(nat64.into()), is_public_v4(address), "{nat64}");
                assert_eq!(is_public(six_to_four.into()), is_public_v4(address), "{six_to_four}");
            }
        }
        for (first, length, reachable) in V6.iter().filter(|(_, length, _)| *length > 3) {
            let last = u128::from(*first) | u128::MAX.checked_shr(*length).unwrap_or(0);
            let middle = u128::from(*first) + (last - u128::from(*first)) / 2 + 1;
            for address in [u128::from(*first), middle.min(last), last].map(Ipv6Addr::from) {
                let inner = V6.iter().rfind(|(at, size, _)| *size > *length && *at == address);
                let expected = inner.map_or(*reachable, |inner| inner.2);
                assert_eq!(is_reachable(address), expected, "{address} of {first}/{length}");
            }
        }
    }

    #[test]
    fn what_was_reached_before() {
        for address in [
            "64:ff9b::7f00:1",
            "64:ff9b::a00:1",
            "64:ff9b::a9fe:a9fe",
            "64:ff9b:1::1",
            "2002:7f00:1::1",
            "2002:a00:1::1",
            "2001:0:7f00:1::1",
            "2001:0:808:808::80ff:fffe",
            "::ffff:0:7f00:1",
            "::7f00:1",
            "::a00:1",
            "fec0::1",
            "100::1",
            "2001:db8::1",
            "2001:10::1",
            "3fff::1",
            "5f00::1",
            "198.18.0.1",
            "192.0.0.1",
            "240.0.0.1",
            "192.0.2.1",
            "203.0.113.1",
            "192.88.99.1",
            "::ffff:127.0.0.1",
            "::1",
            "::",
            "fe80::1",
            "fd00::1",
            "ff02::1",
            "4000::1",
            "2a00:1450::200:5efe:a00:1",
            "0.0.0.0",
            "255.255.255.255",
            "224.0.0.1",
            "100.64.0.1",
        ] {
            assert!(!public(address), "{address}");
        }
        for address in
            ["8.8.8.8", "2a00:1450:4001::1", "64:ff9b::808:808", "::ffff:8.8.8.8", "192.0.0.9", "2002:808:808::1"]
        {
            assert!(public(address), "{address}");
        }
    }
}
