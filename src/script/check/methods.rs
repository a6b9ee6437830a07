//! Methods that imports bring: a module's `fn map.total()` is called as `order.total()`, without the module's name.

use rhai::{FnNamespace, Module};

use super::{Facts, Import};
use crate::script::host::Host;
use crate::script::own;

/// Names and numbers of arguments of all methods that the imports of a script bring.
pub fn imported(host: &Host, facts: &Facts) -> Vec<(String, usize)> {
    let mut found = Vec::new();
    for import in &facts.imports {
        found.extend(of(host, import));
    }
    found
}

/// Whether a script calls a method that an import brings.
pub(super) fn uses(host: &Host, facts: &Facts, import: &Import) -> bool {
    let methods = of(host, import);
    facts.calls.iter().filter(|call| call.is_method).any(|call| methods.iter().any(|(name, _)| *name == call.name))
}

/// Whether what an import brings is not known, because the module or one that it imports has errors, which are told there.
pub fn is_broken(host: &Host, import: &Import) -> bool {
    import.path.as_deref().is_none_or(|path| host.modules().get(path).is_none())
}

fn of(host: &Host, import: &Import) -> Vec<(String, usize)> {
    let mut found = Vec::new();
    // A module that did not load has its own errors.
    if let Some(module) = import.path.as_deref().and_then(|path| host.modules().get(path)) {
        collect(&module, &mut found);
    }
    found
}

/// A module's methods and those of what it imports: they reach whoever imports the module.
fn collect(module: &Module, found: &mut Vec<(String, usize)>) {
    let own = module.iter_script_fn_info().filter(|(namespace, ..)| *namespace == FnNamespace::Global);
    let own = own.filter(|(_, _, name, ..)| !own::is_marked(name));
    found.extend(own.map(|(_, _, name, count, _)| (name.to_owned(), count)));
    for (_, inner) in module.iter_sub_modules() {
        collect(inner, found);
    }
}
