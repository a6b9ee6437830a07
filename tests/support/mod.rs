//! What integration tests share: a fake Segment, a blocking HTTP client, a project folder and the running binary.
#![allow(
    dead_code,
    unreachable_pub,
    unused_imports,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "every test binary compiles this module and uses its part of it; a broken test set-up should stop with a panic"
)]

pub mod api;
pub mod cartwire;
pub mod http;
pub mod install;
pub mod project;
pub mod segment;

pub use api::FakeApi;
pub use cartwire::Cartwire;
pub use project::Project;
pub use segment::{FakeSegment, Fault, Stored};
