//! What holds for every script and every delivery, in process.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

#[path = "properties/copies.rs"]
mod copies;
#[path = "properties/runs.rs"]
mod runs;
