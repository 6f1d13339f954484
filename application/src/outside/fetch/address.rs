//! Which addresses a request that a user caused may go to: public ones, and those the operator allows.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// Whether an address is in the public internet. Users must not reach anything else: this machine, its networks,
/// addresses with a special meaning.
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => is_public_v4(v4),
        IpAddr::V6(v6) => is_public_v6(v6),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    const SPECIAL: [([u8; 4], u8); 15] = [
        ([0, 0, 0, 0], 8),
        ([10, 0, 0, 0], 8),
        ([100, 64, 0, 0], 10),
        ([127, 0, 0, 0], 8),
        ([169, 254, 0, 0], 16),
        ([172, 16, 0, 0], 12),
        ([192, 0, 0, 0], 24),
        ([192, 0, 2, 0], 24),
        ([192, 88, 99, 0], 24),
        ([192, 168, 0, 0], 16),
        ([198, 18, 0, 0], 15),
        ([198, 51, 100, 0], 24),
        ([203, 0, 113, 0], 24),
        ([224, 0, 0, 0], 4),
        ([240, 0, 0, 0], 4),
    ];
    !SPECIAL
        .iter()
        .any(|(network, bits)| within(&address.octets(), network, *bits))
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let octets = address.octets();
    let segments = address.segments();
    let tail = Ipv4Addr::new(octets[12], octets[13], octets[14], octets[15]);
    match segments {
        // The well-known prefix of NAT64: the IPv4 address is at the end.
        [0x64, 0xff9b, 0, 0, 0, 0, _, _] => is_public_v4(tail),
        // 6to4 and Teredo carry IPv4 addresses inside and are obsolete. Documentation.
        [0x2002, ..] | [0x2001, 0 | 0xdb8, ..] => false,
        // ORCHID, benchmarking and other reserved parts of 2001::/23.
        [0x2001, second, ..] if second < 0x200 => false,
        // Only 2000::/3 is assigned: this leaves out ::/96, ::ffff:0:0/96, fc00::/7, fe80::/10, ff00::/8 and the rest.
        [first, ..] => first & 0xe000 == 0x2000 && first != 0x3fff,
    }
}

/// Whether the first `bits` bits are the same.
fn within(address: &[u8], network: &[u8], bits: u8) -> bool {
    if address.len() != network.len() {
        return false;
    }
    let whole = usize::from(bits / 8);
    let rest = bits % 8;
    address[..whole] == network[..whole]
        && (rest == 0
            || address
                .get(whole)
                .zip(network.get(whole))
                .is_some_and(|(a, b)| (a ^ b) >> (8 - rest) == 0))
}

/// A host or a network.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Listed {
    /// In lower case.
    Name(String),
    /// An address and the number of its bits that must agree.
    Network(IpAddr, u8),
}

/// Hosts and networks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HostList(Vec<Listed>);

impl HostList {
    /// What can be read of a list that somebody typed; the rest of it means nothing.
    pub fn lenient(text: &str) -> Self {
        Self(words(text).filter_map(|word| listed(word).ok()).collect())
    }

    /// Whether the host is on it by its name.
    pub fn has_name(&self, name: &str) -> bool {
        let name = name.trim_end_matches('.');
        self.0
            .iter()
            .any(|one| matches!(one, Listed::Name(listed) if listed.eq_ignore_ascii_case(name)))
    }

    /// Whether the address is on it, or in a network that is.
    pub fn has_address(&self, address: IpAddr) -> bool {
        // `::ffff:10.0.0.1` is 10.0.0.1.
        let address = address.to_canonical();
        self.0.iter().any(|one| match (one, address) {
            (Listed::Network(IpAddr::V4(network), bits), IpAddr::V4(address)) => {
                within(&address.octets(), &network.octets(), *bits)
            }
            (Listed::Network(IpAddr::V6(network), bits), IpAddr::V6(address)) => {
                within(&address.octets(), &network.octets(), *bits)
            }
            _ => false,
        })
    }
}

impl FromStr for HostList {
    type Err = String;

    /// Reads host names, addresses and networks (`10.1.0.0/16`), separated by commas or spaces.
    fn from_str(text: &str) -> Result<Self, String> {
        words(text).map(listed).collect::<Result<_, _>>().map(Self)
    }
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split([',', ' ']).filter(|word| !word.is_empty())
}

/// Hosts and networks that may be reached although they are not public (`FETCH_ALLOW`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AllowList(HostList);

impl AllowList {
    /// Whether requests may go to this host by its name.
    pub fn allows_name(&self, name: &str) -> bool {
        self.0.has_name(name)
    }

    /// Whether requests may go to this address: it is public or allowed.
    pub fn allows(&self, address: IpAddr) -> bool {
        is_public(address.to_canonical()) || self.0.has_address(address)
    }
}

impl FromStr for AllowList {
    type Err = String;

    /// Reads a [`HostList`].
    fn from_str(text: &str) -> Result<Self, String> {
        text.parse().map(Self)
    }
}

fn listed(word: &str) -> Result<Listed, String> {
    let (host, bits) = match word.split_once('/') {
        Some((host, bits)) => (host, Some(bits)),
        None => (word, None),
    };
    if let Ok(address) = host.trim_matches(['[', ']']).parse::<IpAddr>() {
        let longest: u8 = if address.is_ipv4() { 32 } else { 128 };
        let bits = match bits {
            None => longest,
            Some(bits) => bits
                .parse()
                .ok()
                .filter(|bits| *bits <= longest)
                .ok_or_else(|| format!("`{word}` is not a network"))?,
        };
        return Ok(Listed::Network(address, bits));
    }
    let is_name = !host.is_empty()
        && host
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
    if bits.is_some() || !is_name {
        return Err(format!("`{word}` is neither a host name nor a network"));
    }
    Ok(Listed::Name(
        host.trim_end_matches('.').to_ascii_lowercase(),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn public(text: &str) -> bool {
        AllowList::default().allows(text.parse().expect("an address"))
    }

    #[test]
    fn only_public_addresses_are_public() {
        for address in [
            "0.0.0.0",
            "10.1.2.3",
            "100.64.0.1",
            "127.0.0.1",
            "127.255.255.254",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.2.1",
            "192.168.1.1",
            "198.18.0.1",
            "198.19.255.255",
            "224.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::7f00:1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "64:ff9b::7f00:1",
            "64:ff9b::a00:1",
            "64:ff9b:1::1",
            "2002:7f00:1::",
            "2001::1",
            "2001:db8::1",
            "fc00::1",
            "fd12:3456::1",
            "fe80::1",
            "fec0::1",
            "ff02::1",
            "100::1",
        ] {
            assert!(!public(address), "{address}");
        }
        for address in [
            "1.1.1.1",
            "8.8.8.8",
            "172.32.0.1",
            "100.128.0.1",
            "198.20.0.1",
            "223.255.255.255",
            "::ffff:8.8.8.8",
            "64:ff9b::808:808",
            "2606:4700:4700::1111",
            "2a00:1450::1",
        ] {
            assert!(public(address), "{address}");
        }
    }

    #[test]
    fn operators_trust_hosts_and_networks() {
        let list: AllowList = "wiki.local, 10.1.0.0/16 127.0.0.1,[fd00::]/8"
            .parse()
            .expect("a list");
        assert!(list.allows_name("Wiki.Local.") && !list.allows_name("other.local"));
        let allows = |text: &str| list.allows(text.parse().expect("an address"));
        assert!(allows("10.1.255.1") && !allows("10.2.0.1"));
        assert!(allows("127.0.0.1") && !allows("127.0.0.2"));
        assert!(allows("::ffff:10.1.0.1") && allows("fd12::1") && !allows("fe80::1"));
        let ignored = HostList::lenient("localhost, 10.0.0.0/8, 10.0.0.0/33 http://x");
        assert_eq!(Ok(ignored), "localhost 10.0.0.0/8".parse());
        for wrong in ["10.0.0.0/33", "a b/c", "wiki/8", "http://x", "fd00::/129"] {
            assert!(wrong.parse::<AllowList>().is_err(), "{wrong}");
        }
    }
}
