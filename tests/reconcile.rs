//! `cartwire reconcile` against the REST APIs of all platforms: what was lost is told, once, and marked.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

#[path = "reconcile/everywhere.rs"]
mod everywhere;
#[path = "reconcile/memory.rs"]
mod memory;
#[path = "reconcile/refusals.rs"]
mod refusals;
#[path = "reconcile/rest.rs"]
mod rest;
mod support;
#[path = "reconcile/troubles.rs"]
mod troubles;
#[path = "reconcile/world.rs"]
mod world;
