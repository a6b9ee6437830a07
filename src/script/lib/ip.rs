//! `ip::`: addresses of the internet protocol, versions 4 and 6.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use rhai::{Dynamic, INT};

use super::{Fun, Native, arg, put, put_text};
use crate::script::fault::fault;

/// The functions of the namespace.
pub const FUNS: &[Fun] = &[
    Fun {
        name: "ip::anonymize",
        signature: "ip::anonymize(text) -> text",
        about: "The address without what tells a household: the last number of version 4, the last 80 bits of version 6; `()` if it is none.",
        example: r#"ip::anonymize("203.0.113.77") == "203.0.113.0"
ip::anonymize("2001:db8:1:2:3:4:5:6") == "2001:db8:1::"
ip::anonymize("unknown") == ()"#,
        add: |module, lib| {
            put_text(module, lib, "anonymize", |text| {
                Ok(address(text).map_or(Dynamic::UNIT, |address| anonymous(address).to_string().into()))
            });
        },
    },
    Fun {
        name: "ip::first_public",
        signature: "ip::first_public(text) -> text",
        about: "The first address of a list as in X-Forwarded-For that can be reached from the internet; `()` if there is none. The sender of \
                a request can write into that header what it likes.",
        example: r#"ip::first_public("10.0.0.3, 203.0.113.77, 198.51.100.1") == "203.0.113.77"
ip::first_public("unknown") == ()"#,
        add: |module, lib| {
            put_text(module, lib, "first_public", |text| {
                let found = text.split(',').filter_map(address).find(|address| !is_private(*address));
                Ok(found.map_or(Dynamic::UNIT, |address| address.to_string().into()))
            });
        },
    },
    Fun {
        name: "ip::is_in",
        signature: "ip::is_in(text, range) -> bool",
        about: "Whether an address is in a range as `203.0.113.0/24`; false if it is none.",
        example: r#"ip::is_in("203.0.113.77", "203.0.113.0/24") == true
ip::is_in("2001:db8::1", "2001:db8::/32") == true
ip::is_in((), "10.0.0.0/8") == false"#,
        add: |module, _| {
            put(module, "is_in", |value: Dynamic, range: &str| -> Native<bool> {
                let (base, bits) = parse_range(range)?;
                Ok(arg::text(&value, "is_in")?
                    .and_then(|text| address(&text))
                    .is_some_and(|one| is_in(one, base, bits)))
            });
        },
    },
    Fun {
        name: "ip::is_private",
        signature: "ip::is_private(text) -> bool",
        about: "Whether an address cannot be reached from the internet: private, local, shared by a provider, multicast. False if it is no \
                address.",
        example: r#"ip::is_private("192.168.1.20") == true
ip::is_private("fe80::1") == true
ip::is_private("203.0.113.77") == false"#,
        add: |module, _| {
            put(module, "is_private", |value: Dynamic| -> Native<bool> {
                Ok(arg::text(&value, "is_private")?.and_then(|text| address(&text)).is_some_and(is_private))
            });
        },
    },
    Fun {
        name: "ip::version",
        signature: "ip::version(text) -> number",
        about: "4 or 6; `()` if the text is no address.",
        example: r#"ip::version("203.0.113.77") == 4
ip::version("[2001:db8::1]:443") == 6
ip::version("example.com") == ()"#,
        add: |module, lib| {
            put_text(module, lib, "version", |text| {
                let version = |address: IpAddr| Dynamic::from_int(if address.is_ipv4() { 4 as INT } else { 6 });
                Ok(address(text).map_or(Dynamic::UNIT, version))
            });
        },
    },
];

/// The address in a text, with or without a port or brackets.
pub fn address(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    if let Some(rest) = text.strip_prefix('[') {
        return rest.split_once(']')?.0.parse().ok();
    }
    if let Ok(address) = text.parse() {
        return Some(address);
    }
    let (address, port) = text.split_once(':')?;
    port.parse::<u16>().ok()?;
    address.parse::<Ipv4Addr>().ok().map(IpAddr::V4)
}

/// Without its last 8 of 32 or 80 of 128 bits.
pub fn anonymous(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(four) => without_host(four).into(),
        IpAddr::V6(six) => match six.to_ipv4_mapped() {
            Some(four) => without_host(four).to_ipv6_mapped().into(),
            None => Ipv6Addr::from_bits(six.to_bits() & (!0 << 80)).into(),
        },
    }
}

fn without_host(address: Ipv4Addr) -> Ipv4Addr {
    Ipv4Addr::from_bits(address.to_bits() & !0xff)
}

/// Ranges of version 4 that are not routed in the internet; those for documentation count as public, so that examples work.
const PRIVATE: [(Ipv4Addr, u32); 10] = [
    (Ipv4Addr::UNSPECIFIED, 8),
    (Ipv4Addr::new(10, 0, 0, 0), 8),
    (Ipv4Addr::new(100, 64, 0, 0), 10),
    (Ipv4Addr::new(127, 0, 0, 0), 8),
    (Ipv4Addr::new(169, 254, 0, 0), 16),
    (Ipv4Addr::new(172, 16, 0, 0), 12),
    (Ipv4Addr::new(192, 0, 0, 0), 24),
    (Ipv4Addr::new(192, 168, 0, 0), 16),
    (Ipv4Addr::new(198, 18, 0, 0), 15),
    (Ipv4Addr::new(224, 0, 0, 0), 3),
];

/// Whether an address cannot be reached from the internet.
pub fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(_) => PRIVATE.iter().any(|(base, bits)| is_in(address, (*base).into(), *bits)),
        IpAddr::V6(six) => match six.to_ipv4_mapped() {
            Some(four) => is_private(four.into()),
            None => {
                six.is_loopback()
                    || six.is_unspecified()
                    || six.is_multicast()
                    || six.is_unique_local()
                    || six.is_unicast_link_local()
            }
        },
    }
}

fn parse_range(range: &str) -> Native<(IpAddr, u32)> {
    let wrong = || {
        fault(format!(
            "`{}` is not a range of addresses, as 203.0.113.0/24",
            range.chars().take(64).collect::<String>()
        ))
    };
    let (base, bits) = range.trim().split_once('/').unwrap_or((range.trim(), ""));
    let base: IpAddr = base.parse().map_err(|_| wrong())?;
    let most = if base.is_ipv4() { 32 } else { 128 };
    let bits = if bits.is_empty() { most } else { bits.parse().map_err(|_| wrong())? };
    if bits > most { Err(wrong()) } else { Ok((base, bits)) }
}

fn is_in(address: IpAddr, base: IpAddr, bits: u32) -> bool {
    match (address, base) {
        (IpAddr::V4(one), IpAddr::V4(two)) => (one.to_bits() ^ two.to_bits()).checked_shr(32 - bits).unwrap_or(0) == 0,
        (IpAddr::V6(one), IpAddr::V6(two)) => (one.to_bits() ^ two.to_bits()).checked_shr(128 - bits).unwrap_or(0) == 0,
        (IpAddr::V6(six), IpAddr::V4(_)) => six.to_ipv4_mapped().is_some_and(|four| is_in(four.into(), base, bits)),
        (IpAddr::V4(_), IpAddr::V6(_)) => false,
    }
}
