//! Where a node stands in the tree: in which chain (`event.properties.name.trim()`), and in what the chain stands.

use rhai::{ASTFlags, ASTNode, Expr, FnCallExpr, Stmt};

/// A chain, and what it stands in.
pub(super) struct Chain<'p, 'a> {
    /// The whole chain.
    pub(super) top: &'a Expr,
    /// What it stands in, outermost first.
    pub(super) around: &'p [ASTNode<'a>],
}

impl Chain<'_, '_> {
    /// Whether the chain is a statement by itself.
    pub(super) fn is_statement(&self) -> bool {
        matches!(self.around.last(), Some(ASTNode::Stmt(Stmt::Expr(_))))
    }

    /// Whether something takes the chain's value. What a block or a function may give does not count.
    pub(super) fn is_used(&self) -> bool {
        match self.around.last() {
            Some(ASTNode::Expr(outer)) => !matches!(outer, Expr::Stmt(_)),
            Some(ASTNode::Stmt(outer)) => !matches!(outer, Stmt::Expr(_)),
            _ => false,
        }
    }

    /// Whether a value is assigned to where the chain leads.
    pub(super) fn is_assigned(&self) -> bool {
        matches!(self.around.last(), Some(ASTNode::Stmt(Stmt::Assignment(parts))) if std::ptr::eq(&raw const parts.1.lhs, self.top))
    }
}

/// The chain that ends with the last node of a path; none if it goes on.
pub(super) fn ended<'p, 'a>(path: &'p [ASTNode<'a>]) -> Option<Chain<'p, 'a>> {
    let (mut top, mut around) = split(path)?;
    while let Some((outer, before)) = split(around) {
        match outer {
            Expr::Dot(parts, _, _) | Expr::Index(parts, _, _) if std::ptr::eq(&raw const parts.lhs, top) => {
                return None;
            }
            // What stands in the brackets of `a[…]` is no part of the chain.
            Expr::Index(_, flags, _) if flags.intersects(ASTFlags::BREAK) => break,
            Expr::Dot(..) | Expr::Index(..) => (top, around) = (outer, before),
            _ => break,
        }
    }
    Some(Chain { top, around })
}

/// The chain that begins with the last node of a path, which may be all of it.
pub(super) fn begun<'p, 'a>(path: &'p [ASTNode<'a>]) -> Option<Chain<'p, 'a>> {
    let (first, around) = split(path)?;
    let alone = Chain { top: first, around };
    let Some((outer, before)) = split(around) else { return Some(alone) };
    let begins =
        matches!(outer, Expr::Dot(parts, _, _) | Expr::Index(parts, _, _) if std::ptr::eq(&raw const parts.lhs, first));
    // `x` of `a[x].b` stands at the beginning of what follows `a`.
    let is_inside = matches!(split(before), Some((Expr::Dot(parts, _, _) | Expr::Index(parts, _, _), _)) if std::ptr::eq(&raw const parts.rhs, outer));
    Some(if begins && !is_inside { Chain { top: outer, around: before } } else { alone })
}

/// The call that a chain ends with.
pub(super) fn last_call(chain: &Expr) -> Option<&FnCallExpr> {
    match chain {
        Expr::Dot(parts, _, _) | Expr::Index(parts, _, _) => last_call(&parts.rhs),
        Expr::MethodCall(call, _) => Some(call),
        _ => None,
    }
}

fn split<'p, 'a>(path: &'p [ASTNode<'a>]) -> Option<(&'a Expr, &'p [ASTNode<'a>])> {
    match path.split_last()? {
        (ASTNode::Expr(last), before) => Some((last, before)),
        _ => None,
    }
}
