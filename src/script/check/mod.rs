//! What can be told of a script without running it: unknown functions, wrong numbers of arguments, constants that are written,
//! names that are declared and never used, imports and tables that are not there.

pub mod calls;
mod chains;
pub mod copies;
pub mod facts;
pub mod fields;
pub mod handlers;
pub mod homonyms;
pub mod literals;
pub mod messages;
pub mod methods;
mod optional;
pub mod outline;
pub mod rejections;
pub mod scopes;
pub mod settings;
pub mod tables;
pub mod traps;

pub use calls::{calls, is_library_method};
pub use copies::copies;
pub use facts::{Call, Facts, Import, facts, only};
pub use fields::fields;
pub use handlers::{handlers, private_functions};
pub use homonyms::{Names, homonyms};
pub use literals::literals;
pub use messages::messages;
pub use methods::{imported as imported_methods, is_broken};
pub use outline::{Function, outline};
pub use rejections::rejections;
pub use scopes::scopes;
pub use settings::{Told, settings};
pub use tables::tables;
pub use traps::traps;

use rhai::Scope;

/// The variables that every script is given.
pub const GIVEN: [&str; 3] = ["event", "delivery", "settings"];

/// A scope that tells the parser which variables there are.
pub fn given_variables() -> Scope<'static> {
    let mut scope = Scope::new();
    for name in GIVEN {
        scope.push(name, ());
    }
    scope
}
