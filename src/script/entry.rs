//! Handlers: functions that are called by their name instead of the body of a script.
//!
//! A handler's statements run in the scope of the script itself, with its parameters as the last variables. So the event is
//! moved in and out again as it is for a body, and what the handler changes counts whether or not it gives the event back. (An
//! ordinary call would copy the event and lose what is not given back.)

use rhai::{AST, ASTNode, ImmutableString, Position, Stmt};

use super::check::{self, Function};

/// What a handler handles.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// An event of that type.
    Event(&'static str),
    /// All events of a delivery.
    Batch,
    /// A delivery.
    Request,
}

/// What a parameter stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// The event; what the handler makes of it goes on.
    Event,
    /// All events of the delivery, as an array.
    Events,
    /// The delivery.
    Delivery,
    /// The part's settings.
    Settings,
}

/// All names that a handler can have, sorted.
pub const ENTRIES: &[(&str, Kind)] = &[
    ("on_alias", Kind::Event("alias")),
    ("on_batch", Kind::Batch),
    ("on_delete", Kind::Event("delete")),
    ("on_group", Kind::Event("group")),
    ("on_identify", Kind::Event("identify")),
    ("on_page", Kind::Event("page")),
    ("on_request", Kind::Request),
    ("on_screen", Kind::Event("screen")),
    ("on_set", Kind::Event("set")),
    ("on_track", Kind::Event("track")),
];

impl Kind {
    /// What the parameters stand for, in their order; the last ones may be left out.
    pub fn roles(self) -> &'static [Role] {
        match self {
            Self::Event(_) => &[Role::Event, Role::Settings, Role::Delivery],
            Self::Batch => &[Role::Events, Role::Settings, Role::Delivery],
            Self::Request => &[Role::Delivery, Role::Settings],
        }
    }
}

impl Role {
    /// The name that a parameter usually has.
    pub fn name(self) -> &'static str {
        match self {
            Self::Event => "event",
            Self::Events => "events",
            Self::Delivery => "delivery",
            Self::Settings => "settings",
        }
    }
}

/// What a function of that name handles, if it is a handler.
pub fn kind(name: &str) -> Option<Kind> {
    ENTRIES.iter().find(|(known, _)| *known == name).map(|(_, kind)| *kind)
}

/// A compiled handler.
#[derive(Debug)]
pub struct Handler {
    /// Its name.
    pub name: String,
    /// What it handles.
    pub kind: Kind,
    /// Where its name stands.
    pub position: Position,
    /// The names of its parameters and what they stand for.
    pub params: Vec<(ImmutableString, Role)>,
    /// Its statements.
    pub body: Vec<Stmt>,
}

/// The handlers of a script.
#[derive(Debug, Default)]
pub struct Handlers(Vec<Handler>);

impl Handlers {
    /// Takes the handlers out of a script that was checked and not yet optimised, for that removes `return` where it can.
    pub fn new(ast: &AST, functions: &[Function]) -> Self {
        let found = functions.iter().filter(|function| !function.is_method);
        Self(found.filter_map(|function| Some(handler(ast, function, kind(&function.name)?))).collect())
    }

    /// Whether the script has a body only.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The handler of a type of events.
    pub fn for_type(&self, kind: &str) -> Option<&Handler> {
        self.0.iter().find(|handler| handler.kind == Kind::Event(kind_of(kind)))
    }

    /// The handlers of single events.
    pub fn by_type(&self) -> impl Iterator<Item = &Handler> {
        self.0.iter().filter(|handler| matches!(handler.kind, Kind::Event(_)))
    }

    /// The handler of everything of one kind.
    pub fn get(&self, kind: Kind) -> Option<&Handler> {
        self.0.iter().find(|handler| handler.kind == kind)
    }
}

/// The same text with the lifetime of the list; empty for a type that no handler is for.
fn kind_of(name: &str) -> &'static str {
    let known = ENTRIES.iter().filter_map(|(_, kind)| match kind {
        Kind::Event(known) => Some(*known),
        Kind::Batch | Kind::Request => None,
    });
    known.into_iter().find(|known| *known == name).unwrap_or_default()
}

fn handler(ast: &AST, function: &Function, kind: Kind) -> Handler {
    let only = check::only(ast, |name, params| name == function.name && params == function.params.len());
    let mut body = Vec::new();
    only.walk(&mut |path| {
        if let [ASTNode::Stmt(statement)] = path {
            body.push((*statement).clone());
        }
        true
    });
    if !function.gives_value {
        // The value of the last statement is not meant: `event.remove("context");` gives a map, which is no new event.
        body.push(Stmt::Noop(Position::NONE));
    }
    let names = function.params.iter().map(|(name, _)| name.as_str().into());
    let params = names.zip(kind.roles().iter().copied()).collect();
    Handler { name: function.name.clone(), kind, position: function.position, params, body }
}
