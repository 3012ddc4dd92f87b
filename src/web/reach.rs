//! How far fetches reach: public addresses, checked again when a name is looked up and when a connection stands.

use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::sync::Arc;

use futures::future::BoxFuture;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use super::address;

/// Turns names into addresses.
pub trait Names: Send + Sync {
    fn addresses(&self, name: String) -> BoxFuture<'static, io::Result<Vec<IpAddr>>>;
}

/// Which addresses are reached. Configuration can not widen it.
#[derive(Clone)]
pub struct Reach {
    names: Arc<dyn Names>,
    allowed: Vec<SocketAddr>,
}

impl Reach {
    /// Public addresses only, by the system's own way to look up names.
    pub fn public() -> Reach {
        Reach { names: Arc::new(SystemNames), allowed: Vec::new() }
    }

    /// Also this one, so that a server of a test can stand for the web.
    pub fn and_for_tests(mut self, server: SocketAddr) -> Reach {
        self.allowed.push(server);
        self
    }

    /// Names come to what `names` says, so that a test can have a web of its own.
    pub fn with_names_for_tests(mut self, names: Arc<dyn Names>) -> Reach {
        self.names = names;
        self
    }

    /// Why `address` is not reached; `None` if it is.
    pub fn refusal(&self, address: IpAddr) -> Option<&'static str> {
        if self.allowed.iter().any(|allowed| allowed.ip() == address) {
            return None;
        }
        address::refused_ip(address).or_else(|| is_own(address).then_some("it is an address of this machine"))
    }

    /// The same for the other end of a connection, which must be exactly what was allowed.
    pub fn refusal_of_peer(&self, peer: SocketAddr) -> Option<&'static str> {
        if self.allowed.contains(&peer) {
            return None;
        }
        address::refused_ip(peer.ip()).or_else(|| self.refusal(peer.ip()))
    }

    pub(in crate::web) fn has_port(&self, port: u16) -> bool {
        self.allowed.iter().any(|allowed| allowed.port() == port)
    }

    /// The addresses of `name`, if all of them are reached. One that is not spoils the others: who mixes them wants the
    /// connection to end up there.
    pub async fn look_up(&self, name: &str) -> Result<Vec<IpAddr>, LookUpError> {
        if let Some(reason) = address::refused_name(name) {
            return Err(LookUpError::Refused { name: name.to_owned(), reason });
        }
        let addresses = self.names.addresses(name.to_owned()).await.map_err(|_| LookUpError::Unknown)?;
        if addresses.is_empty() {
            return Err(LookUpError::Unknown);
        }
        for address in &addresses {
            if let Some(reason) = self.refusal(*address) {
                let reason = format!("it leads to {address}, and {reason}");
                return Err(LookUpError::Refused { name: name.to_owned(), reason });
            }
        }
        Ok(addresses)
    }
}

/// Why a name comes to nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LookUpError {
    #[error("there is no such host")]
    Unknown,
    #[error("{name}: {reason}")]
    Refused { name: String, reason: String },
}

impl Resolve for Reach {
    fn resolve(&self, name: Name) -> Resolving {
        let reach = self.clone();
        Box::pin(async move {
            let addresses = reach.look_up(name.as_str()).await?;
            // Port 0 stands for the one in the URL.
            let addresses: Addrs = Box::new(addresses.into_iter().map(|address| SocketAddr::new(address, 0)));
            Ok(addresses)
        })
    }
}

impl fmt::Debug for Reach {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Reach").field("allowed", &self.allowed).finish_non_exhaustive()
    }
}

struct SystemNames;

impl Names for SystemNames {
    fn addresses(&self, name: String) -> BoxFuture<'static, io::Result<Vec<IpAddr>>> {
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            Ok(found.map(|address| address.ip()).collect())
        })
    }
}

/// Whether an interface of this machine has `address`: the system then chooses it as the source of what would be sent there.
/// Nothing is sent.
fn is_own(address: IpAddr) -> bool {
    let any: IpAddr = match address {
        IpAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        IpAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    let source = UdpSocket::bind((any, 0))
        .and_then(|socket| socket.connect((address, 443)).and_then(|()| socket.local_addr()))
        .map(|source| source.ip());
    source.is_ok_and(|source| source == address)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn w02_own_addresses_are_known_without_a_list() {
        assert!(is_own(Ipv4Addr::LOCALHOST.into()));
        // What this machine would send from is its own, be it public or not.
        let socket = UdpSocket::bind("0.0.0.0:0").unwrap();
        if socket.connect("192.0.2.1:443").is_ok() {
            assert!(is_own(socket.local_addr().unwrap().ip()));
        }
        for other in ["1.1.1.1", "8.8.8.8", "192.0.2.1"] {
            assert!(!is_own(other.parse().unwrap()), "{other}");
        }
    }

    #[test]
    fn w02_what_is_allowed_for_a_test_is_one_port_of_one_address() {
        let server: SocketAddr = "127.0.0.1:4321".parse().unwrap();
        let reach = Reach::public().and_for_tests(server);
        assert_eq!(reach.refusal(server.ip()), None);
        assert_eq!(reach.refusal_of_peer(server), None);
        assert!(reach.refusal_of_peer("127.0.0.1:4322".parse().unwrap()).is_some());
        assert!(reach.refusal_of_peer("127.0.0.2:4321".parse().unwrap()).is_some());
        assert_eq!(reach.refusal_of_peer("1.1.1.1:443".parse().unwrap()), None);
        assert!(Reach::public().refusal_of_peer(server).is_some());
    }
}
