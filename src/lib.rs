//! Cartwire: declarative pipelines that turn shop webhooks and browser events into Segment messages.

pub mod diag;
pub mod event;
