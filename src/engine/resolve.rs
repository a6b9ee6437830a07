//! Resolving names for lookups: addresses of private networks are left out, so that a script cannot reach them by a name.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use crate::lookup::{Access, is_public};

/// Resolves by the system, and judges by the list.
pub(super) struct Guarded(pub(super) Arc<Access>);

impl Resolve for Guarded {
    fn resolve(&self, name: Name) -> Resolving {
        let access = Arc::clone(&self.0);
        Box::pin(async move {
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            let reachable: Vec<SocketAddr> = found
                .iter()
                .copied()
                .filter(|address| is_public(address.ip()) || access.allows_private(address.ip(), name.as_str()))
                .collect();
            if reachable.is_empty() && !found.is_empty() {
                let text = format!(
                    "{} leads to the private address {}; if that is meant, list the address under `http.allow` too, with no other port",
                    name.as_str(),
                    found[0].ip()
                );
                return Err(io::Error::new(io::ErrorKind::PermissionDenied, text).into());
            }
            Ok(Box::new(reachable.into_iter()) as Addrs)
        })
    }
}
