//! Sinks that send to one of our own sources: what they send comes in again.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use crate::pipeline::Plan;
use crate::sink::{Attempt, Target};
use crate::source::Input;

/// A sentence for each sink whose address is that of a source of ours, where we listen at `listen`.
pub(super) fn warnings(plans: &[Arc<Plan>], listen: SocketAddr) -> Vec<String> {
    let mut found = Vec::new();
    for plan in plans {
        for part in &plan.sinks {
            if !matches!(part.sink.target(), Target::Http { .. }) {
                continue;
            }
            let address = part.sink.request(&[], &Attempt { now_ms: 0, retries: 0 }).url;
            let Some(path) = own_path(&address, listen) else { continue };
            for receiver in plans {
                for source in &receiver.sources {
                    let Input::Http { path: at, below } = source.source.input() else { continue };
                    if takes(&at, below, &path) {
                        found.push(format!(
                            "the sink `{}` of `{}` sends to the source `{}` of `{}`: what it sends comes in again. The step `loop_guard` \
                             ends such loops",
                            part.id, plan.name, source.id, receiver.name
                        ));
                    }
                }
            }
        }
    }
    found
}

/// The path of an address, if it is one of ours.
fn own_path(address: &str, listen: SocketAddr) -> Option<String> {
    let url = url::Url::parse(address).ok()?;
    if url.port_or_known_default() != Some(listen.port()) {
        return None;
    }
    let is_ours = match url.host()? {
        url::Host::Domain(name) => name == "localhost" || name.ends_with(".localhost"),
        url::Host::Ipv4(ip) => is_own(IpAddr::V4(ip), listen.ip()),
        url::Host::Ipv6(ip) => is_own(IpAddr::V6(ip), listen.ip()),
    };
    is_ours.then(|| url.path().to_owned())
}

/// Listening everywhere is listening at the loopback address too; other addresses of this machine are not known here.
fn is_own(ip: IpAddr, listen: IpAddr) -> bool {
    ip == listen || ip.is_unspecified() || (ip.is_loopback() && (listen.is_unspecified() || listen.is_loopback()))
}

fn takes(at: &str, below: bool, path: &str) -> bool {
    let path = path.trim_end_matches('/');
    let at = at.trim_end_matches('/');
    path == at || (below && path.strip_prefix(at).is_some_and(|rest| rest.starts_with('/')))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::Environment;
    use crate::script::Limits;
    use crate::tree::Tree;

    struct Empty;

    impl Environment for Empty {
        fn var(&self, _: &str) -> Option<String> {
            None
        }

        fn file(&self, path: &str) -> Result<String, String> {
            Err(format!("no file {path}"))
        }
    }

    fn plans(url: &str) -> Vec<Arc<Plan>> {
        let a = format!("sources:\n  - webhook: {{ verify: none }}\nsinks:\n  - http: {{ url: \"{url}\" }}\n");
        let b = "sources:\n  - segment: { write_keys: k, path: /b }\nsinks:\n  - console\n";
        let tree = Arc::new(Tree::new().with("pipelines/a.yaml", &a).with("pipelines/b.yaml", b));
        let load = |name: &str| {
            let file = format!("pipelines/{name}.yaml");
            let loaded = Plan::load(&tree, &file, name, &Empty, &Limits::default());
            loaded.plan.unwrap_or_else(|| panic!("{:?}", loaded.problems))
        };
        vec![load("a"), load("b")]
    }

    #[test]
    fn sinks_that_send_to_ourselves_are_found() {
        for (url, listen, expected) in [
            (
                "http://127.0.0.1:8080/a/webhook",
                "127.0.0.1:8080",
                Some("the sink `http` of `a` sends to the source `webhook` of `a`"),
            ),
            ("http://localhost:8080/a/webhook/", "0.0.0.0:8080", Some("source `webhook` of `a`")),
            ("http://[::1]:8080/b/v1/batch", "127.0.0.1:8080", Some("source `segment` of `b`")),
            ("http://192.0.2.7:8080/b/v1/batch", "192.0.2.7:8080", Some("source `segment` of `b`")),
            ("http://127.0.0.1:8081/a/webhook", "127.0.0.1:8080", None),
            ("http://127.0.0.1:8080/a/webhooks", "127.0.0.1:8080", None),
            ("http://127.0.0.1:8080/bc", "127.0.0.1:8080", None),
            ("http://shop.example.com:8080/a/webhook", "0.0.0.0:8080", None),
            ("http://192.0.2.7:8080/a/webhook", "127.0.0.1:8080", None),
        ] {
            let found = warnings(&plans(url), listen.parse().unwrap());
            assert_eq!(found.len(), usize::from(expected.is_some()), "{url} {listen}: {found:?}");
            assert!(found.iter().all(|text| text.contains(expected.unwrap())), "{found:?}");
        }
    }
}
