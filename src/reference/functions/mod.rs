//! From Segment's functions to Cartwire, capability by capability: what one writes there, and what here.
//!
//! Data only. Every example is run by `tests/segment_functions.rs`, which reads it out of the printed reference.

mod handlers;
mod running;
mod values;

/// One thing that Segment's functions can do.
#[derive(Debug)]
pub struct Capability {
    /// As it is asked for, by the name that it has at Segment.
    pub name: &'static str,
    /// What it is at Segment.
    pub segment: &'static str,
    /// What it is here.
    pub cartwire: &'static str,
    /// An example.
    pub shown: Shown,
    /// What comes out of the example, as a fixture says it.
    pub gives: &'static str,
    /// The shipped example that uses it; empty if none does.
    pub project: &'static str,
}

/// In which form an example is written.
#[derive(Debug, Clone, Copy)]
pub enum Shown {
    /// A whole script.
    Script(&'static str),
    /// A pipeline's steps.
    Steps(&'static str),
    /// A pipeline's sources.
    Sources(&'static str),
}

impl Shown {
    /// `script`, `steps` or `sources`.
    pub fn kind(self) -> &'static str {
        match self {
            Self::Script(_) => "script",
            Self::Steps(_) => "steps",
            Self::Sources(_) => "sources",
        }
    }

    /// The example itself.
    pub fn text(self) -> &'static str {
        match self {
            Self::Script(text) | Self::Steps(text) | Self::Sources(text) => text,
        }
    }

    /// The language, for highlighting.
    pub fn language(self) -> &'static str {
        match self {
            Self::Script(_) => "rhai",
            Self::Steps(_) | Self::Sources(_) => "yaml",
        }
    }
}

/// What stands before the capabilities.
pub(super) const ABOUT: &str = "For those who come from Segment's source, insert and destination functions: each capability by its \
    name there.\n\n\
    Every example is run as a test, on the POST of\n\n\
    ```json\n\
    { \"id\": 7, \"kind\": \"order_paid\", \"email\": \" Ada@Example.com\", \"total\": \"54.90\", \"created\": 1768467600,\n  \
    \"lines\": [ { \"sku\": \"MUG-1\", \"price\": \"18.30\", \"quantity\": 3 } ] }\n\
    ```\n\n\
    to a `webhook` source, with the header `X-Topic: orders/paid`, the query `shop=north&tag=a&tag=b` and the settings `store: north` \
    and `secret: key`. What comes out stands below it, as a fixture says it. Handlers like `on_track` see what the source makes of \
    the request: a `track` whose `properties` are the body.\n\n\
    Whole source functions of Segment's library stand below `scripts/examples/`; `cartwire new DIR --example NAME` makes a project \
    of one.";

/// All capabilities, in the order of their use: the request, what is sent, how it ends, what stands around it, values.
pub static CAPABILITIES: [&[Capability]; 3] = [handlers::CAPABILITIES, running::CAPABILITIES, values::CAPABILITIES];
