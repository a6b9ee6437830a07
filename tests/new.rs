//! `cartwire new`: each scaffold passes `check` and `test` at once, and its dry run prints messages.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use std::process::{Command, Output};

fn cartwire(args: &[&str], dir: &std::path::Path) -> Output {
    let output = Command::new(env!("CARGO_BIN_EXE_cartwire")).args(args).current_dir(dir).output().unwrap();
    assert!(
        output.status.success(),
        "{args:?}: {}\n{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    output
}

#[test]
fn every_scaffold_works_at_once() {
    for kind in ["shopify", "bigcommerce", "medusa", "browser", "segment_webhook", "webhook", "rewrite"] {
        let dir = tempfile::tempdir().unwrap();
        cartwire(&["new", "shop", "--source", kind], dir.path());
        let shop = dir.path().join("shop");
        // What is to be pasted into the shop comes along.
        assert_eq!(shop.join("scripts/shopify/pixel.js").exists(), kind == "shopify");
        cartwire(&["check"], &shop);
        cartwire(&["test"], &shop);
        let run =
            ["run", "--dry-run", "--samples", "--until-idle", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"];
        let output = cartwire(&run, &shop);
        if kind == "rewrite" {
            assert!(shop.join(".cartwire/out/rewrite.ndjson").exists());
        } else {
            let printed = String::from_utf8_lossy(&output.stdout);
            assert!(printed.contains("\"messageId\""), "{kind}: {printed}");
        }
    }
}

#[test]
fn nothing_is_overwritten() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("precious"), "x").unwrap();
    let output =
        Command::new(env!("CARGO_BIN_EXE_cartwire")).args(["new", "."]).current_dir(dir.path()).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
}
