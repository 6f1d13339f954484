//! Asking the domain name system for records other than addresses.

use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;
use std::sync::OnceLock;
use std::time::Duration;

use hickory_resolver::config::{ConnectionConfig, NameServerConfig, ResolverConfig};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::proto::rr::{RData, RecordType};
use hickory_resolver::{ResolverBuilder, TokioResolver};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::SHUT;

/// How many names are looked up at a time.
const AT_A_TIME: usize = 16;

const PORT: u16 = 53;

/// The name servers to ask (`DNS_SERVERS`); empty: those of this machine.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NameServers(Vec<SocketAddr>);

impl FromStr for NameServers {
    type Err = String;

    /// Reads addresses, each with or without a port, separated by commas or spaces.
    fn from_str(text: &str) -> Result<Self, String> {
        text.split([',', ' '])
            .filter(|word| !word.is_empty())
            .map(|word| {
                let address = word.trim_matches(['[', ']']).parse::<IpAddr>();
                word.parse::<SocketAddr>()
                    .or_else(|_| address.map(|address| SocketAddr::new(address, PORT)))
                    .map_err(|_| format!("`{word}` is not the address of a name server"))
            })
            .collect::<Result<_, _>>()
            .map(Self)
    }
}

/// Why a lookup failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LookupError {
    /// Trying again later may help.
    #[error("too many names are being looked up")]
    Busy,
    /// No name server can be asked, there are no such records, or it took too long.
    #[error("{0}")]
    Failed(String),
}

/// Asks name servers. The connection to them is made when it is first needed: most workspaces never ask.
pub struct Names {
    servers: NameServers,
    resolver: OnceLock<Option<TokioResolver>>,
    slots: Semaphore,
    /// Asks nobody.
    shut: bool,
}

impl Names {
    /// A resolver that asks these name servers.
    pub fn new(servers: NameServers) -> Self {
        Self {
            servers,
            resolver: OnceLock::new(),
            slots: Semaphore::new(AT_A_TIME),
            shut: false,
        }
    }

    /// The same, which asks nobody: every lookup fails.
    #[must_use]
    pub fn shut(self) -> Self {
        Self { shut: true, ..self }
    }

    fn resolver(&self) -> Option<&TokioResolver> {
        let made = self.resolver.get_or_init(|| {
            self.build()
                .inspect_err(|error| tracing::warn!(%error, "names cannot be looked up"))
                .ok()
        });
        made.as_ref()
    }

    fn build(&self) -> Result<TokioResolver, hickory_resolver::net::NetError> {
        if self.servers.0.is_empty() {
            return TokioResolver::builder_tokio().and_then(ResolverBuilder::build);
        }
        let servers = self.servers.0.iter().map(|server| {
            let mut connections = vec![ConnectionConfig::udp(), ConnectionConfig::tcp()];
            for connection in &mut connections {
                connection.port = server.port();
            }
            NameServerConfig::new(server.ip(), true, connections)
        });
        let config = ResolverConfig::from_parts(None, Vec::new(), servers.collect());
        TokioResolver::builder_with_config(config, TokioRuntimeProvider::default()).build()
    }

    /// The records of one kind that a name has, in the order of the answer.
    pub async fn lookup(
        &self,
        name: &str,
        kind: RecordType,
        patience: Duration,
    ) -> Result<Vec<RData>, LookupError> {
        let failed = |why: &dyn std::fmt::Display| LookupError::Failed(why.to_string());
        if self.shut {
            return Err(failed(&SHUT));
        }
        let _slot = self.slots.try_acquire().map_err(|_| LookupError::Busy)?;
        let resolver = self
            .resolver()
            .ok_or_else(|| failed(&"no name server can be asked"))?;
        // With the dot, the name is not looked up in the domains of this machine.
        let name = format!("{}.", name.trim_end_matches('.'));
        let found = timeout(patience, resolver.lookup(name, kind))
            .await
            .map_err(|_| failed(&"the name servers did not answer in time"))?
            .map_err(|error| failed(&error))?;
        Ok(found
            .answers()
            .iter()
            .filter(|record| record.record_type() == kind)
            .map(|record| record.data.clone())
            .collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn name_servers_are_addresses_with_or_without_port() {
        let servers: NameServers = "127.0.0.1:5353, 10.0.0.1 ::1 [::1]:54".parse().unwrap();
        let texts: Vec<String> = servers.0.iter().map(ToString::to_string).collect();
        assert_eq!(
            texts,
            ["127.0.0.1:5353", "10.0.0.1:53", "[::1]:53", "[::1]:54"]
        );
        assert_eq!("".parse(), Ok(NameServers::default()));
        for wrong in ["dns.example.org", "10.0.0.1:x", "10.0.0.300"] {
            assert!(wrong.parse::<NameServers>().is_err(), "{wrong}");
        }
    }
}
