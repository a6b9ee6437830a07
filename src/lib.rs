//! Cartwire: declarative pipelines that turn shop webhooks and browser events into Segment messages.

pub mod diag;
pub mod registry;
pub mod tree;
pub mod yaml;
