//! Lookups against a service on this machine: what is asked, kept and counted.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;

/// A service that counts what it is asked.
fn service() -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let host = listener.local_addr().unwrap().to_string();
    let count = Arc::<AtomicUsize>::default();
    let counting = Arc::clone(&count);
    std::thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let counting = Arc::clone(&counting);
            std::thread::spawn(move || {
                let lines = BufReader::new(stream.try_clone().unwrap()).lines().map_while(Result::ok);
                for _ in lines.filter(String::is_empty) {
                    counting.fetch_add(1, Ordering::SeqCst);
                    let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
                }
            });
        }
    });
    (host, count)
}

fn lookup(url: String, allow: &str) -> Lookup {
    Lookup {
        method: "GET".into(),
        url,
        headers: Vec::new(),
        body: Vec::new(),
        timeout_ms: 5000,
        cache_ms: 60_000,
        access: Arc::new(Access { allow: vec![allow.to_owned()], per_second: 0, concurrent: 8 }),
    }
}

fn outside() -> Arc<Outside> {
    let _ = rustls::crypto::ring::default_provider().install_default();
    Arc::new(Outside::new(Vec::new(), &Arc::default()))
}

#[test]
fn an_answer_that_is_kept_is_asked_for_once() {
    let (host, count) = service();
    let outside = outside();
    let threads = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    threads.block_on(async {
        let lookup = lookup(format!("http://{host}/"), &host);
        let asking = (0..64).map(|turn| {
            let (outside, lookup) = (Arc::clone(&outside), lookup.clone());
            async move {
                // Spread over the time that the request takes.
                for _ in 0..turn * 4 {
                    tokio::task::yield_now().await;
                }
                outside.ask(lookup.key(), &lookup).await.status
            }
        });
        let statuses = crate::engine::join_all(asking.collect()).await;
        assert!(statuses.iter().all(|status| *status == Some(200)), "{statuses:?}");
        // One who had looked before it was kept, and came to the flights when the flight had ended.
        assert_eq!(outside.fly(lookup.key(), &lookup).await.status, 200);
    });
    assert_eq!(count.load(Ordering::SeqCst), 1);
}

#[test]
fn an_answer_serves_those_only_who_may_reach_as_much() {
    let (host, _) = service();
    let outside = outside();
    let alone = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    alone.block_on(async {
        let port = host.rsplit_once(':').unwrap().1;
        let url = format!("http://localhost:{port}/");
        // Listed in figures the private address is meant, by its name alone it is not.
        let mut listed = lookup(url.clone(), "localhost");
        Arc::make_mut(&mut listed.access).allow.extend(["127.0.0.1".to_owned(), "::1".to_owned()]);
        assert_eq!(outside.ask(listed.key(), &listed).await.status, 200);
        let named = lookup(url, "localhost");
        assert_eq!(outside.ask(named.key(), &named).await.status, 0);
        assert_eq!(outside.ask(listed.key(), &listed).await.status, 200);
    });
}

#[test]
fn names_that_come_with_events_leave_nothing_behind() {
    let metrics = Arc::<Metrics>::default();
    let _ = rustls::crypto::ring::default_provider().install_default();
    let outside = Outside::new(Vec::new(), &metrics);
    for shop in 0..5000 {
        outside.host(&lookup(format!("http://shop-{shop}.shops.example/"), "*.shops.example"));
    }
    assert!(lock(&outside.hosts).len() < 5000);
    let alone = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    alone.block_on(async {
        for last in 1..4 {
            let asked = Lookup { timeout_ms: 1, ..lookup(format!("http://127.0.0.{last}:9/"), "127.0.0.0/24") };
            let asked = Lookup { method: "POST".into(), ..asked };
            assert_eq!(outside.perform(&asked).await.status, 0);
        }
    });
    let lines: Vec<_> =
        metrics.render().lines().filter(|line| line.contains("lookups_total{")).map(str::to_owned).collect();
    assert_eq!(lines, ["cartwire_lookups_total{host=\"127.0.0.0/24\",status=\"0\"} 3"]);
}
