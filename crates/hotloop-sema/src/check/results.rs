//! What a function gives back: joined over every `return` and its last value, and fitted to the annotation.

use super::{Body, Checker};
use crate::errors;
use crate::hir::{self, Kind, StmtKind};
use crate::promote::Ty;
use hotloop_source::Span;
use hotloop_syntax::ast;

impl<'m> Checker<'m> {
    /// The results of a function: joined over every `return` and the final value, and fitted to the annotation.
    pub(super) fn results(&mut self, body: &mut Body, item: &'m ast::Item, block: &mut hir::Block) -> Vec<Ty> {
        let mut given = std::mem::take(&mut body.returns);
        let falls_through = block.value.is_empty() && !always_returns(&block.stmts);
        if !block.value.is_empty() {
            given.push(self.types_of(&block.value));
        }
        let mut results = self.join_results(body, item, &given);
        if let Some(annotation) = &item.result {
            results = self.annotated_results(body, annotation, &results, item.name.span);
        }
        if falls_through && !results.is_empty() && body.diags.is_empty() {
            let message = format!("`{}` gives a value in some places, but not at its end", item.name.text);
            body.report(errors::plain(errors::NO_VALUE, item.name.span, message, "end the body with a value"));
        }
        self.coerce_results(body, block, &results);
        results
    }

    fn join_results(&mut self, body: &mut Body, item: &'m ast::Item, given: &[Vec<Ty>]) -> Vec<Ty> {
        let Some(first) = given.first() else {
            return Vec::new();
        };
        let mut results = first.clone();
        for other in &given[1..] {
            if other.len() != results.len() {
                let message =
                    format!("`{}` gives {} values here and {} there", item.name.text, results.len(), other.len());
                body.report(errors::mismatch(item.name.span, message, "give the same number everywhere"));
                return Vec::new();
            }
            for (result, &ty) in results.iter_mut().zip(other) {
                match crate::promote::join(*result, ty) {
                    Ok(joined) => *result = joined.with_rank(result.rank.max(ty.rank)),
                    Err(why) => {
                        let diag = self.no_join(why, item.name.span, "return", *result, ty);
                        body.report(diag);
                    }
                }
            }
        }
        results
    }

    fn annotated_results(
        &mut self,
        body: &mut Body,
        annotation: &'m ast::ResultType,
        results: &[Ty],
        span: Span,
    ) -> Vec<Ty> {
        let types: Vec<&ast::TypeExpr> = match annotation {
            ast::ResultType::One(ty) => vec![ty],
            ast::ResultType::Tuple(types, _) => types.iter().collect(),
        };
        let wanted: Vec<Ty> = types.iter().filter_map(|ty| self.annotation(body, ty)).collect();
        if wanted.len() != types.len() || !body.diags.is_empty() {
            return results.to_vec();
        }
        let fits = |(have, want): (&Ty, &Ty)| {
            (have.rank == want.rank || body.elementwise) && crate::promote::widens(*have, want.elem)
        };
        if wanted.len() != results.len() || !results.iter().zip(&wanted).all(fits) {
            let list = |types: &[Ty]| types.iter().map(|ty| ty.describe()).collect::<Vec<_>>().join(", ");
            let message = format!("the annotation says `{}`, the body gives `{}`", list(&wanted), list(results));
            body.report(errors::mismatch(span, message, "cast the result, or change the annotation"));
            return results.to_vec();
        }
        wanted
    }

    fn coerce_results(&mut self, body: &mut Body, block: &mut hir::Block, results: &[Ty]) {
        let values = std::mem::take(&mut block.value);
        block.value = self.coerce_list(body, values, results);
        self.coerce_returns(body, &mut block.stmts, results);
    }

    fn coerce_returns(&mut self, body: &mut Body, stmts: &mut [hir::Stmt], results: &[Ty]) {
        for stmt in stmts {
            match &mut stmt.kind {
                StmtKind::Return(values) => {
                    let list = std::mem::take(values);
                    *values = self.coerce_list(body, list, results);
                }
                StmtKind::If { then, otherwise, .. } => {
                    self.coerce_returns(body, &mut then.stmts, results);
                    self.coerce_returns(body, &mut otherwise.stmts, results);
                }
                StmtKind::While { body: inner, .. } | StmtKind::For { body: inner, .. } => {
                    self.coerce_returns(body, &mut inner.stmts, results);
                }
                StmtKind::Assign(..)
                | StmtKind::AssignCall(..)
                | StmtKind::Store { .. }
                | StmtKind::Break
                | StmtKind::Continue => {}
            }
        }
    }

    /// The types of several values, or of those of one call that gives several.
    pub(super) fn types_of(&self, values: &[hir::Expr]) -> Vec<Ty> {
        match values {
            [only] => self.result_types(only),
            values => values.iter().map(|value| value.ty).collect(),
        }
    }

    fn coerce_list(&mut self, body: &mut Body, values: Vec<hir::Expr>, results: &[Ty]) -> Vec<hir::Expr> {
        if let [only] = values.as_slice()
            && results.len() > 1
            && matches!(only.kind, Kind::Inline(..) | Kind::Map(..) | Kind::Walk(_) | Kind::Window(_))
        {
            if self.types_of(&values) != results {
                let message = "the results of this call have other types than those given elsewhere".into();
                let hint = "take them apart, and cast them: `let (a, b) = …`";
                body.report(errors::mismatch(only.span, message, hint));
            }
            return values;
        }
        values.into_iter().zip(results).filter_map(|(value, ty)| self.coerce(body, value, *ty)).collect()
    }
}

fn always_returns(stmts: &[hir::Stmt]) -> bool {
    stmts.iter().any(|stmt| match &stmt.kind {
        StmtKind::Return(_) => true,
        StmtKind::If { then, otherwise, .. } => always_returns(&then.stmts) && always_returns(&otherwise.stmts),
        StmtKind::Assign(..)
        | StmtKind::AssignCall(..)
        | StmtKind::Store { .. }
        | StmtKind::While { .. }
        | StmtKind::For { .. }
        | StmtKind::Break
        | StmtKind::Continue => false,
    })
}
