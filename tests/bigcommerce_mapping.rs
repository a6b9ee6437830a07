//! The shipped BigCommerce mapping in process: its money, its settings, and its tables against its scripts.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

#[path = "bigcommerce_mapping/cases.rs"]
mod cases;
#[path = "bigcommerce_mapping/money.rs"]
mod money;
#[path = "bigcommerce_mapping/settings.rs"]
mod settings;
#[path = "bigcommerce_mapping/tables.rs"]
mod tables;
