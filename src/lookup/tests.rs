//! Which hosts a list opens, and what is public.

use super::*;

fn access(allow: &[&str]) -> Access {
    Access { allow: allow.iter().map(ToString::to_string).collect(), ..Access::default() }
}

#[test]
fn only_listed_hosts_are_asked() {
    let access =
        access(&["api.example.com", "*.shop.example", "127.0.0.1:8080", "10.0.0.0/8", "::1", "host.example:444"]);
    for url in [
        "https://api.example.com/x",
        "https://API.example.com:444/",
        "https://eu.shop.example",
        "http://127.0.0.1:8080/a?b",
        "http://10.2.3.4/",
        "http://[::1]:9/",
        "https://host.example:444/",
    ] {
        assert_eq!(access.check(url), Ok(()), "{url}");
    }
    assert_eq!(access.entry("https://eu.shop.example"), Ok("*.shop.example"));
    assert_eq!(access.entry("http://10.2.3.4/"), Ok("10.0.0.0/8"));
    for url in [
        "https://api.example.com.evil.example/",
        "https://evilapi.example.com/",
        "https://shop.example/",
        "https://.shop.example/",
        "http://127.0.0.1:8081/",
        "http://11.0.0.1/",
        "https://host.example/",
        "https://user:secret@api.example.com/",
        "https://api.example.com@evil.example/",
        "ftp://api.example.com/",
        "file:///etc/passwd",
        "nonsense",
    ] {
        assert!(access.check(url).is_err(), "{url}");
    }
}

#[test]
fn private_addresses_are_known() {
    let public = ["1.1.1.1", "203.0.114.1", "2606:4700::1111"];
    let private = [
        "127.0.0.1",
        "10.0.0.1",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",
        "224.0.0.1",
        "255.255.255.255",
        "::1",
        "::",
        "fe80::1",
        "fc00::1",
        "::ffff:10.0.0.1",
        "::ffff:169.254.169.254",
        "2002:7f00:1::",
        "64:ff9b::7f00:1",
        "2001:db8::1",
    ];
    for address in public {
        assert!(is_public(address.parse().unwrap()), "{address}");
    }
    for address in private {
        assert!(!is_public(address.parse().unwrap()), "{address}");
    }
    let listed = access(&["169.254.169.254", "10.0.0.0/8", "metadata.example"]);
    let allows = |access: &Access, address: &str, name| access.allows_private(address.parse().unwrap(), name);
    assert!(allows(&listed, "169.254.169.254", "metadata.example"));
    assert!(allows(&listed, "10.9.9.9", "metadata.example"));
    assert!(!allows(&listed, "192.168.0.1", "metadata.example"));
    let with_port = access(&["127.0.0.1:8080", "own.example:8080", "*.example"]);
    assert!(!allows(&with_port, "127.0.0.1", "own.example"), "*.example allows it other ports");
    assert!(!allows(&with_port, "127.0.0.1", "other.example"));
    let same_port = access(&["127.0.0.1:8080", "[::1]:8080", "own.example:8080", "other.example"]);
    assert!(allows(&same_port, "127.0.0.1", "own.example") && allows(&same_port, "::1", "OWN.example"));
    assert!(!allows(&same_port, "127.0.0.1", "other.example"));
}

#[test]
fn wildcards_are_of_names() {
    assert!(access(&["*.0.0.1"]).check("http://127.0.0.1/").is_err());
    assert!(access(&["*.example"]).check("http://a.example/").is_ok());
}

#[test]
fn entries_that_match_nothing_are_told() {
    for fine in [
        "api.example.com",
        "API.example.com",
        "*.example.com",
        "localhost:8080",
        "host_name",
        "127.0.0.1",
        "127.0.0.1:8080",
        "10.0.0.0/8",
        "fc00::/7",
        "::1",
        "[::1]:8080",
        "[::1]",
        "xn--bcher-kva.example",
    ] {
        assert_eq!(entry_problem(fine), None, "{fine}");
    }
    for (wrong, told) in [
        ("https://api.example.com/v1", "write the host alone: api.example.com"),
        ("api.example.com/v1", "path"),
        ("10.0.0.0/33", "32 bits"),
        ("", "no host"),
        (" ", "no host"),
        ("a b", "no host"),
        ("*", "no host"),
        ("api.*.com", "before a name only"),
        ("*.0.0.1", "not before addresses"),
        ("host:99999", "99999 is no port"),
        ("host:0", "0 is no port"),
        ("host:", "no host"),
        ("a..b", "empty"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("127.1", "127.0.0.1"),
    ] {
        let problem = entry_problem(wrong).unwrap_or_else(|| panic!("{wrong} is taken"));
        assert!(problem.contains(told), "{wrong}: {problem}");
    }
}
