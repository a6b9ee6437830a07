//! What holds for every script and every delivery, in process.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

#[path = "properties/copies.rs"]
mod copies;
#[path = "properties/ends.rs"]
mod ends;
#[path = "properties/events.rs"]
mod events;
#[path = "properties/failing.rs"]
mod failing;
#[path = "properties/outside.rs"]
mod outside;
#[path = "properties/remembering.rs"]
mod remembering;
#[path = "properties/runs.rs"]
mod runs;
#[path = "properties/twice.rs"]
mod twice;
