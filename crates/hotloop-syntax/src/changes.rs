//! Which names from around a statement it assigns, and which it stores into.
//!
//! For prompts, where such names are the session's variables. What a statement declares itself is its own.

use std::sync::Arc;

use hotloop_source::Span;

use crate::ast::{Block, Expr, ExprKind, If, Name, Place, Stmt, StmtKind};

/// What a statement does to names from around it, each name once, where it first happens.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Changes {
    /// Names that get another value.
    pub assigned: Vec<Name>,
    /// Names of arrays whose elements are written, and that are not assigned as a whole.
    pub stored: Vec<Name>,
    /// The first `return`.
    pub returns: Option<Span>,
}

/// What a statement changes. Recursion is bounded by the height of trees.
pub fn changes(stmt: &Stmt) -> Changes {
    let mut walk = Walk { own: vec![Vec::new()], found: Changes::default() };
    walk.stmt(stmt);
    let Changes { assigned, mut stored, returns } = walk.found;
    stored.retain(|name| !assigned.iter().any(|other| other.text == name.text));
    Changes { assigned, stored, returns }
}

struct Walk {
    /// What is declared inside, by block.
    own: Vec<Vec<Arc<str>>>,
    found: Changes,
}

impl Walk {
    fn block(&mut self, block: &Block, declared: &[&Name]) {
        self.own.push(declared.iter().map(|name| name.text.clone()).collect());
        block.stmts.iter().for_each(|stmt| self.stmt(stmt));
        if let Some(value) = &block.value {
            self.value(value);
        }
        self.own.pop();
    }

    fn stmt(&mut self, stmt: &Stmt) {
        match &stmt.kind {
            StmtKind::Let { pattern, value, .. } => {
                self.value(value);
                pattern.names().iter().for_each(|name| self.declare(name));
            }
            StmtKind::Var { name, value, .. } => {
                self.value(value);
                self.declare(name);
            }
            StmtKind::Assign { place, value, .. } => {
                self.value(value);
                self.place(place);
            }
            StmtKind::If(branch) => self.branch(branch),
            StmtKind::While { body, .. } => self.block(body, &[]),
            StmtKind::For { var, body, .. } => self.block(body, &[var]),
            StmtKind::Return(_) => self.found.returns = self.found.returns.or(Some(stmt.span)),
            StmtKind::Expr(value) => self.value(value),
            StmtKind::Break | StmtKind::Continue => {}
        }
    }

    /// A value that is a choice has blocks, and those have statements.
    fn value(&mut self, value: &Expr) {
        if let ExprKind::If(branch) = &value.kind {
            self.branch(branch);
        }
    }

    fn branch(&mut self, branch: &If) {
        branch.arms.iter().for_each(|arm| self.block(&arm.body, &[]));
        if let Some(otherwise) = &branch.otherwise {
            self.block(otherwise, &[]);
        }
    }

    fn declare(&mut self, name: &Name) {
        if let Some(block) = self.own.last_mut() {
            block.push(name.text.clone());
        }
    }

    fn place(&mut self, place: &Place) {
        match place {
            Place::Name(name) if !self.is_own(&name.text) => add(&mut self.found.assigned, name.clone()),
            Place::Name(_) => {}
            Place::Index(index) => match &index.base.kind {
                ExprKind::Name(text) if !self.is_own(text) => {
                    add(&mut self.found.stored, Name { text: text.clone(), span: index.base.span });
                }
                _ => {}
            },
            Place::Tuple(places, _) => places.iter().for_each(|place| self.place(place)),
        }
    }

    fn is_own(&self, name: &Arc<str>) -> bool {
        self.own.iter().any(|block| block.contains(name))
    }
}

fn add(names: &mut Vec<Name>, name: Name) {
    if !names.iter().any(|other| other.text == name.text) {
        names.push(name);
    }
}

#[cfg(test)]
mod tests {
    use super::changes;
    use crate::limits::Limits;
    use crate::parser::parse_body;
    use hotloop_source::Source;

    fn found(text: &str) -> (Vec<String>, Vec<String>, bool) {
        let (body, diags) = parse_body(&Source::new("test", text), &Limits::DEFAULT);
        assert!(diags.is_empty(), "{diags:?}");
        let found = changes(&body.stmts[0]);
        let words = |names: &[crate::ast::Name]| names.iter().map(|name| name.text.to_string()).collect();
        (words(&found.assigned), words(&found.stored), found.returns.is_some())
    }

    #[test]
    fn what_is_declared_inside_is_left_out() {
        let text = "for i in range(9) { let a = i; var b = a; b += 1; s += b; u[i] = s; (x, v[0]) = (b, 1); i = 2 }";
        assert_eq!(found(text), (vec!["s".into(), "x".into()], vec!["u".into(), "v".into()], false));
        let text = "if q { var s = 1; s = 2 } else { s = 3; s[0] = 4; while s > 1 { return } }";
        assert_eq!(found(text), (vec!["s".into()], vec![], true));
        assert_eq!(found("let y = if q { z = 1; 2 } else { 3 }"), (vec!["z".into()], vec![], false));
    }
}
