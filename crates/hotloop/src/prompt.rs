//! What is typed at a prompt as a module: one statement over the definitions made before it.
//!
//! Owns what each kind of statement computes; which names it takes and where results go is the session's business.

use crate::compile::{self, Unit};
use crate::engine::Engine;
use crate::error::Error;
use crate::module::Module;
use hotloop_ir::Type;
use hotloop_sema as sema;
use hotloop_source::{Source, Span};
use hotloop_syntax as syntax;
use hotloop_syntax::ast::{Block, Expr, ExprKind, Index, IndexElem, IndexKind, Name, Pattern, Place, Stmt, StmtKind};

/// A statement or an expression typed at a prompt.
#[derive(Clone, Copy, Debug, Default)]
pub struct Prompt<'a> {
    /// What is parsed.
    pub text: &'a str,
    /// What messages show instead, of the same length; the text if none.
    pub shown: Option<&'a str>,
    /// Functions and kernels defined before, as one text.
    pub definitions: &'a str,
    /// Arrays the statement may write, with their types and numbers of axes.
    pub written: &'a [(&'a str, Type, usize)],
}

impl Engine {
    /// A module whose only kernel is what was typed. It takes the free names in order of first appearance and gives
    /// the values that the statement assigns, or nothing where it writes into an array.
    ///
    /// ```
    /// use hotloop::{Engine, Prompt, args};
    /// let prompt = Prompt { text: "y = twice(x) + 1", definitions: "fn twice(x) = 2*x", ..Prompt::default() };
    /// let module = Engine::new().load_prompt(&prompt)?;
    /// let kernel = module.kernel(&module.kernels().next().expect("it has one").name)?;
    /// assert_eq!(kernel.call(&args![3i64])?.scalar::<i64>()?, 7);
    /// # Ok::<(), hotloop::Error>(())
    /// ```
    pub fn load_prompt(&self, prompt: &Prompt<'_>) -> Result<Module, Error> {
        let unit = compile::guarded(|| unit(prompt, &self.inner.limits))?;
        Ok(Module::new(self.inner.clone(), unit))
    }
}

/// The source is what was typed, and behind it the definitions: so places in what was typed are right.
fn unit(prompt: &Prompt<'_>, limits: &syntax::Limits) -> Result<Unit, Error> {
    let length = prompt.text.len();
    let shown = prompt.shown.filter(|shown| shown.len() == length).unwrap_or(prompt.text);
    let source = Source::new("<input>", format!("{shown}\n{}", prompt.definitions));
    let (body, diags) = syntax::parse_body(&Source::new("<input>", prompt.text), limits);
    let mut warnings = compile::errors_out(&source, diags)?;
    let blank = format!("{}\n{}", " ".repeat(length), prompt.definitions);
    let (file, diags) = syntax::parse_file(&Source::new("<input>", blank), limits);
    warnings.extend(compile::errors_out(&source, diags)?);
    let (module, diags) = sema::Module::of_prompt(file, computed(body, prompt.written), prompt.written);
    warnings.extend(compile::errors_out(&source, diags)?);
    Ok(Unit { source, module, warnings, body: Some(length) })
}

/// What a body with one statement computes, as the body of a kernel.
fn computed(mut body: Block, written: &[(&str, Type, usize)]) -> Block {
    if body.stmts.is_empty()
        && let Some(Expr { kind: ExprKind::If(branch), span }) = body.value.as_deref()
    {
        let stmt = Stmt { kind: StmtKind::If((**branch).clone()), span: *span };
        let found = syntax::changes(&stmt);
        if !found.assigned.is_empty() || !found.stored.is_empty() {
            return run(stmt, body.span);
        }
    }
    if body.value.is_some() || body.stmts.len() != 1 {
        return body;
    }
    let Some(Stmt { kind, span }) = body.stmts.pop() else { return body };
    match kind {
        StmtKind::Let { value, ty: None, .. }
        | StmtKind::Var { value, ty: None, .. }
        | StmtKind::Assign { place: Place::Name(_) | Place::Tuple(..), op: None, value } => Block::of(value),
        StmtKind::Assign { place: Place::Name(name), op: Some(op), value } => {
            let place = Expr::new(ExprKind::Name(name.text.clone()), name.span);
            if written.iter().any(|(other, _, _)| *other == &*name.text) {
                let all = IndexElem { kind: IndexKind::Ellipsis, span: name.span };
                let index = Index { base: Box::new(place), elements: vec![all], span: name.span };
                let kind = StmtKind::Assign { place: Place::Index(index), op: Some(op), value };
                return Block { stmts: vec![Stmt { kind, span }], value: None, span: body.span };
            }
            let (left, right) = (Box::new(place), Box::new(value));
            Block::of(Expr::new(ExprKind::Binary { op, op_span: name.span.after(), left, right }, span))
        }
        kind @ (StmtKind::If(_) | StmtKind::While { .. } | StmtKind::For { .. }) => run(Stmt { kind, span }, body.span),
        kind @ StmtKind::Let { .. } => annotated(Stmt { kind, span }, body.span),
        kind @ StmtKind::Var { .. } => annotated(Stmt { kind, span }, body.span),
        kind @ (StmtKind::Assign { .. }
        | StmtKind::Break
        | StmtKind::Continue
        | StmtKind::Return(_)
        | StmtKind::Expr(_)) => Block { stmts: vec![Stmt { kind, span }], value: None, span: body.span },
    }
}

/// A loop or a choice, over copies of the names it assigns, whose last values are the results.
fn run(stmt: Stmt, span: Span) -> Block {
    let assigned = syntax::changes(&stmt).assigned;
    let of = |name: &Name| Expr::new(ExprKind::Name(name.text.clone()), name.span);
    let copy = |name: &Name| {
        let kind = StmtKind::Var { name: name.clone(), ty: None, value: of(name) };
        Stmt { kind, span: name.span }
    };
    let mut stmts: Vec<Stmt> = assigned.iter().map(copy).collect();
    stmts.push(stmt);
    let value = match &assigned[..] {
        [] => None,
        [name] => Some(of(name)),
        names => Some(Expr::new(ExprKind::Tuple(names.iter().map(of).collect()), span)),
    };
    Block { stmts, value: value.map(Box::new), span }
}

/// A declaration with a type, and the names it declares as the value.
fn annotated(stmt: Stmt, span: Span) -> Block {
    let value = |name: &hotloop_syntax::ast::Name| Expr::new(ExprKind::Name(name.text.clone()), name.span);
    let value = match &stmt.kind {
        StmtKind::Let { pattern: Pattern::Tuple(names, span), .. } => {
            Some(Expr::new(ExprKind::Tuple(names.iter().map(value).collect()), *span))
        }
        StmtKind::Let { pattern: Pattern::Name(name), .. } | StmtKind::Var { name, .. } => Some(value(name)),
        StmtKind::Assign { .. }
        | StmtKind::If(_)
        | StmtKind::While { .. }
        | StmtKind::For { .. }
        | StmtKind::Break
        | StmtKind::Continue
        | StmtKind::Return(_)
        | StmtKind::Expr(_) => None,
    };
    Block { stmts: vec![stmt], value: value.map(Box::new), span }
}
