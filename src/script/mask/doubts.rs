//! Scripts whose reads are not to be told from their text.

use rhai::{AST, ASTNode, Expr, FnCallExpr, FnPtr, Stmt};

use crate::script::check::only;

/// Whether a script or module does something by which the walk could be wrong. All of it is rare.
pub(super) fn doubtful(ast: &AST) -> bool {
    let mut found = false;
    ast.walk(&mut |path| {
        found |= path.last().is_some_and(node);
        !found
    });
    found || ast.iter_fn_def().any(|function| is_closure(&function.name) && uses_this(ast, &function.name))
}

fn node(node: &ASTNode<'_>) -> bool {
    match node {
        ASTNode::Stmt(statement) => match statement {
            // A `catch` would hide the error by which an oversight is noticed.
            Stmt::TryCatch(..) => true,
            Stmt::FnCall(called, _) => call(called),
            _ => false,
        },
        ASTNode::Expr(expression) => match expression {
            Expr::FnCall(called, _) | Expr::MethodCall(called, _) => call(called),
            // The number of a value's node, which the mask changes.
            Expr::Property(property, _) => property.2 == "tag",
            // The script's own constants, seen from its functions.
            Expr::Variable(variable, ..) => !variable.2.is_empty() && variable.2.root() == "global",
            Expr::DynamicConstant(constant, _) => {
                constant.read_lock::<FnPtr>().is_some_and(|function| !is_closure(function.fn_name()))
            }
            Expr::Custom(..) => true,
            _ => false,
        },
        _ => true,
    }
}

/// Functions by their names, and functions that see the variables of their caller.
fn call(call: &FnCallExpr) -> bool {
    call.capture_parent_scope || ["Fn", "tag", "set_tag", "eval"].contains(&call.name.as_str())
}

pub(super) fn is_closure(name: &str) -> bool {
    name.starts_with("anon$")
}

/// Whether a closure reads the map that it is kept in and called by.
fn uses_this(ast: &AST, name: &str) -> bool {
    let mut found = false;
    only(ast, |other, _| other == name).walk(&mut |path| {
        found |= matches!(path.last(), Some(ASTNode::Expr(Expr::ThisPtr(_))));
        !found
    });
    found
}
