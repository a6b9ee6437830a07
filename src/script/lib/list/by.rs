//! What an item of a list is known by: a path into it, or a function of it.

use rhai::{Array, Dynamic, FnPtr, ImmutableString, NativeCallContext};

use crate::script::fault::fault;
use crate::script::lib::path::{self, Step};
use crate::script::lib::{Native, arg};
use crate::script::run::Run;

/// What an item is known by.
pub(super) enum By {
    /// What stands at a path.
    Path(Vec<Step<'static>>),
    /// What a function gives.
    Function(FnPtr),
}

impl By {
    /// Reads the argument.
    pub(super) fn new(by: &Dynamic, function: &str) -> Native<Self> {
        if let Some(text) = by.read_lock::<ImmutableString>() {
            return Ok(Self::Path(path::steps(&text)?.into_iter().map(Step::into_owned).collect()));
        }
        match by.clone().try_cast::<FnPtr>() {
            Some(pointer) => Ok(Self::Function(pointer)),
            None => Err(fault(format!("{function} takes a path or a function, not {}", arg::kind(by)))),
        }
    }

    /// The value that an item is known by.
    pub(super) fn of(&self, cx: &NativeCallContext<'_>, item: &Dynamic) -> Native {
        match self {
            Self::Path(steps) => Ok(path::find(item, steps).unwrap_or_default()),
            Self::Function(pointer) => pointer.call_within_context(cx, (item.clone(),)),
        }
    }

    /// Hands over each item with its key; items without one are left out.
    pub(super) fn each(
        &self,
        run: &Run,
        cx: &NativeCallContext<'_>,
        list: Array,
        mut take: impl FnMut(ImmutableString, Dynamic) -> Native<()>,
    ) -> Native<()> {
        for item in list {
            run.charge(1)?;
            let key = self.of(cx, &item)?;
            let Some(key) = arg::text(&key, "a key of a list")? else { continue };
            run.charge_bytes(key.len())?;
            take(key, item)?;
        }
        Ok(())
    }
}
