//! Linear forms of indices in a parallel loop: a constant plus whole multiples of variables that do not change in it.

use crate::hir::{Block, Expr, Kind, StmtKind, VarId};
use hotloop_ir::Op;
use std::collections::{BTreeMap, HashMap, HashSet};

/// `constant + Σ coefficient * variable`; no coefficient is 0.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Linear {
    terms: BTreeMap<VarId, i64>,
    constant: i64,
}

/// Finds linear forms in the body of a loop over `index`.
pub(crate) struct Linearizer<'h> {
    index: VarId,
    /// Variables the body assigns: their value differs between iterations.
    assigned: HashSet<VarId>,
    /// Those of them bound once, to a value that may be linear.
    bound: HashMap<VarId, &'h Expr>,
}

impl<'h> Linearizer<'h> {
    /// Looks through the body for what it assigns.
    pub fn new(index: VarId, body: &'h Block) -> Linearizer<'h> {
        let mut counts: HashMap<VarId, usize> = HashMap::new();
        let mut bound = HashMap::new();
        body.walk_stmts(&mut |stmt| match &stmt.kind {
            StmtKind::Assign(var, value) => {
                *counts.entry(*var).or_default() += 1;
                bound.insert(*var, value);
            }
            StmtKind::AssignCall(vars, _) => vars.iter().for_each(|var| *counts.entry(*var).or_default() += 2),
            StmtKind::For { var, .. } => *counts.entry(*var).or_default() += 2,
            StmtKind::Store { .. }
            | StmtKind::If { .. }
            | StmtKind::While { .. }
            | StmtKind::Break
            | StmtKind::Continue
            | StmtKind::Return(_) => {}
        });
        body.walk(&mut |expr| {
            if let Kind::Let(list, _) = &expr.kind {
                list.iter().for_each(|(var, _)| *counts.entry(*var).or_default() += 2);
            }
        });
        bound.retain(|var, _| counts[var] == 1);
        Linearizer { index, assigned: counts.into_keys().collect(), bound }
    }

    /// The linear form of an index; none if it is not linear or changes within an iteration.
    pub fn form(&self, expr: &Expr) -> Option<Linear> {
        match &expr.kind {
            Kind::Const(value) if value.ty.is_int() => Some(Linear::constant(value.as_i64())),
            Kind::Var(var) if *var == self.index || !self.assigned.contains(var) => Some(Linear::variable(*var)),
            Kind::Var(var) => self.form(self.bound.get(var)?),
            Kind::Op(op, args) => self.op_form(*op, args),
            Kind::Checked(op, args) => self.op_form(op.op(), args),
            _ => None,
        }
    }

    fn op_form(&self, op: Op, args: &[Expr]) -> Option<Linear> {
        match op {
            Op::Add => self.form(&args[0])?.plus(&self.form(&args[1])?, 1),
            Op::Sub => self.form(&args[0])?.plus(&self.form(&args[1])?, -1),
            Op::Neg => Linear::default().plus(&self.form(&args[0])?, -1),
            Op::Mul => {
                let (a, b) = (self.form(&args[0])?, self.form(&args[1])?);
                match (a.as_constant(), b.as_constant()) {
                    (Some(factor), _) => Linear::default().plus(&b, factor),
                    (None, Some(factor)) => Linear::default().plus(&a, factor),
                    (None, None) => None,
                }
            }
            _ => None,
        }
    }

    /// Whether a variable is the same in all iterations.
    pub(super) fn is_fixed(&self, var: VarId) -> bool {
        var != self.index && !self.assigned.contains(&var)
    }

    /// Whether an expression is the loop's variable.
    pub(super) fn is_index(&self, expr: &Expr) -> bool {
        matches!(&expr.kind, Kind::Var(var) if *var == self.index)
    }

    /// What a variable that is bound once is bound to; other expressions as they are.
    pub(super) fn resolved(&self, expr: &'h Expr) -> &'h Expr {
        match &expr.kind {
            Kind::Var(var) => self.bound.get(var).copied().unwrap_or(expr),
            _ => expr,
        }
    }

    /// How much the form grows from one value of the loop's variable to the next.
    pub fn coefficient(&self, form: &Linear) -> i64 {
        form.terms.get(&self.index).copied().unwrap_or(0)
    }

    /// How far apart two forms are, if that is the same everywhere.
    pub fn distance(&self, a: &Linear, b: &Linear) -> Option<i64> {
        a.plus(b, -1).and_then(|difference| difference.as_constant())
    }

    /// Whether two forms with coefficient `by` differ whenever the loop's variable does: they are the same, or their
    /// distance is no multiple of `by`.
    pub fn apart(&self, a: &Linear, b: &Linear, by: i64) -> bool {
        match a.plus(b, -1).and_then(|difference| difference.as_constant()) {
            Some(0) => true,
            Some(distance) => distance % by != 0,
            None => false,
        }
    }
}

impl Linear {
    fn constant(constant: i64) -> Linear {
        Linear { terms: BTreeMap::new(), constant }
    }

    fn variable(var: VarId) -> Linear {
        Linear { terms: BTreeMap::from([(var, 1)]), constant: 0 }
    }

    fn as_constant(&self) -> Option<i64> {
        self.terms.is_empty().then_some(self.constant)
    }

    /// `self + factor * other`; none on overflow.
    fn plus(&self, other: &Linear, factor: i64) -> Option<Linear> {
        let mut sum = self.clone();
        sum.constant = sum.constant.checked_add(other.constant.checked_mul(factor)?)?;
        for (&var, &coefficient) in &other.terms {
            let term = sum.terms.entry(var).or_insert(0);
            *term = term.checked_add(coefficient.checked_mul(factor)?)?;
        }
        sum.terms.retain(|_, coefficient| *coefficient != 0);
        Some(sum)
    }
}
