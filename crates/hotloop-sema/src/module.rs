//! A module: the items of one text, checked for what needs no types.
//!
//! Bodies are checked later, for the types a kernel is called with. The library in `std/` is a module too.

use crate::attributes;
use crate::builtins::{self, Builtin};
use crate::errors;
use hotloop_ir::Type;
use hotloop_source::{Diagnostic, Source, Span};
use hotloop_syntax::ast;
use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

/// The kernel's name in modules made of one expression.
pub const EXPRESSION: &str = "expression";

/// The kernel's name in modules of a prompt.
pub const PROMPT: &str = "_prompt";

/// The library, one file for each family of functions.
pub(crate) const LIBRARY_TEXT: &str = concat!(
    include_str!("std/numbers.hl"),
    "\n\n",
    include_str!("std/exp.hl"),
    "\n\n",
    include_str!("std/log.hl"),
    "\n\n",
    include_str!("std/trig.hl"),
    "\n\n",
    include_str!("std/hyperbolic.hl"),
    "\n\n",
    include_str!("std/inverse.hl"),
    "\n\n",
    include_str!("std/erf.hl"),
    "\n\n",
    include_str!("std/pow.hl"),
    "\n\n",
    include_str!("std/complex.hl"),
    "\n\n",
    include_str!("std/roots.hl"),
    "\n\n",
    include_str!("std/histogram.hl"),
    "\n\n",
    include_str!("std/random.hl"),
    "\n\n",
    include_str!("std/relaxed.hl"),
    "\n\n",
    include_str!("std/regrouped.hl"),
);

/// The items of one text. Immutable, and cheap to share behind an `Arc`.
#[derive(Debug)]
pub struct Module {
    pub(crate) items: Vec<ast::Item>,
    pub(crate) by_name: HashMap<Arc<str>, Vec<usize>>,
    kernels: Vec<KernelInfo>,
}

/// What can be known of a kernel before it is called.
#[derive(Clone, Debug, PartialEq)]
pub struct KernelInfo {
    /// Its name.
    pub name: String,
    /// Its parameters, in order.
    pub params: Vec<ParamInfo>,
    /// The default target an attribute names.
    pub target: Option<String>,
    /// Where it stands.
    pub span: Span,
}

/// What can be known of a parameter.
#[derive(Clone, Debug, PartialEq)]
pub struct ParamInfo {
    /// Its name.
    pub name: String,
    /// The annotated type, if any.
    pub annotation: Option<ParamType>,
    /// Whether the kernel may write into it.
    pub mutable: bool,
}

/// An annotated parameter type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ParamType {
    /// The element type.
    pub ty: Type,
    /// The number of axes; 0 for a scalar.
    pub rank: u32,
    /// Whether it is `mut`.
    pub mutable: bool,
}

impl Module {
    /// The module of a file, with what is wrong in its declarations.
    pub fn of_file(file: ast::File) -> (Module, Vec<Diagnostic>) {
        let mut diags = Vec::new();
        let mut by_name: HashMap<Arc<str>, Vec<usize>> = HashMap::new();
        for (i, item) in file.items.iter().enumerate() {
            if let Some(first) = by_name.get(&item.name.text).and_then(|list| list.first()) {
                let first = file.items[*first].name.span;
                diags.push(errors::duplicate(item.name.span, "function", &item.name.text, first));
            }
            by_name.entry(item.name.text.clone()).or_default().push(i);
            check_declaration(item, &mut diags);
        }
        let kernels = file.items.iter().filter(|item| item.kind == ast::ItemKind::Kernel).map(kernel_info).collect();
        (Module { items: file.items, by_name, kernels }, diags)
    }

    /// The module of one expression (with `let`s before it): a kernel named [`EXPRESSION`] whose parameters are the
    /// free names, in order of first appearance.
    pub fn of_expression(body: ast::Block) -> (Module, Vec<Diagnostic>) {
        let params = free_names(&body).into_iter().map(|name| ast::Param { span: name.span, name, ty: None }).collect();
        Module::of_file(ast::File { items: vec![kernel_of(EXPRESSION, params, body)] })
    }

    /// The module of what was typed at a prompt: a kernel named [`PROMPT`] over the items that were defined before.
    /// Names in `written` are parameters of these types that it may write. Kernels that write nothing are functions
    /// to it.
    pub fn of_prompt(
        mut file: ast::File,
        body: ast::Block,
        written: &[(&str, Type, usize)],
    ) -> (Module, Vec<Diagnostic>) {
        for item in &mut file.items {
            let writes = item.params.iter().any(|param| param.ty.as_ref().is_some_and(|ty| ty.mutable));
            if item.kind == ast::ItemKind::Kernel && !writes {
                item.kind = ast::ItemKind::Fn;
            }
        }
        let param = |name: ast::Name| {
            let found = written.iter().find(|(other, _, _)| *other == &*name.text);
            let ty = found.map(|(_, ty, rank)| ast::TypeExpr {
                mutable: true,
                element: ast::Name { text: ty.name().into(), span: name.span },
                rank: Some(*rank),
                span: name.span,
            });
            ast::Param { span: name.span, name, ty }
        };
        let params = free_names(&body).into_iter().map(param).collect();
        file.items.push(kernel_of(PROMPT, params, body));
        Module::of_file(file)
    }

    /// The kernels, in the order of the text.
    pub fn kernels(&self) -> impl Iterator<Item = &KernelInfo> {
        self.kernels.iter()
    }

    /// The library of mathematical functions. Parsed once per process; it is constant.
    pub(crate) fn library() -> &'static Module {
        static LIBRARY: OnceLock<Module> = OnceLock::new();
        LIBRARY.get_or_init(|| {
            let source = Source::new("std.hl", LIBRARY_TEXT);
            let (file, problems) = hotloop_syntax::parse_file(&source, &hotloop_syntax::Limits::default());
            debug_assert!(problems.is_empty(), "{problems:?}");
            Module::of_file(file).0
        })
    }

    /// The names of the library's public functions.
    pub fn library_names() -> Vec<&'static str> {
        let mut names: Vec<&str> = Module::library().by_name.keys().map(|name| &**name).collect();
        names.retain(|name| !name.starts_with('_'));
        names.sort_unstable();
        names
    }
}

fn kernel_of(name: &str, params: Vec<ast::Param>, body: ast::Block) -> ast::Item {
    let span = body.span;
    let name = ast::Name { text: name.into(), span };
    ast::Item { kind: ast::ItemKind::Kernel, name, params, result: None, attrs: Vec::new(), body, span }
}

fn kernel_info(item: &ast::Item) -> KernelInfo {
    let params = item.params.iter().map(|param| ParamInfo {
        name: param.name.text.to_string(),
        annotation: param.ty.as_ref().and_then(param_type),
        mutable: param.ty.as_ref().is_some_and(|ty| ty.mutable),
    });
    KernelInfo {
        name: item.name.text.to_string(),
        params: params.collect(),
        target: attributes::target_of(item),
        span: item.name.span,
    }
}

/// The annotated type, if its element type exists.
pub(crate) fn param_type(ty: &ast::TypeExpr) -> Option<ParamType> {
    let elem = Type::from_name(&ty.element.text)?;
    Some(ParamType { ty: elem, rank: ty.rank.unwrap_or(0) as u32, mutable: ty.mutable })
}

fn check_declaration(item: &ast::Item, diags: &mut Vec<Diagnostic>) {
    for (i, param) in item.params.iter().enumerate() {
        if let Some(first) = item.params[..i].iter().find(|other| other.name.text == param.name.text) {
            diags.push(errors::duplicate(param.name.span, "parameter", &param.name.text, first.name.span));
        }
        if let Some(ty) = &param.ty {
            check_param_type(ty, diags);
        }
    }
    match &item.result {
        Some(ast::ResultType::One(ty)) => check_type(ty, diags),
        Some(ast::ResultType::Tuple(types, _)) => types.iter().for_each(|ty| check_type(ty, diags)),
        None => {}
    }
    attributes::check_attributes(item, diags);
}

fn check_param_type(ty: &ast::TypeExpr, diags: &mut Vec<Diagnostic>) {
    check_type(ty, diags);
    if ty.mutable && ty.rank.is_none() {
        let hint = "scalars are passed by value; return the new value instead";
        diags.push(errors::plain(errors::TYPE_MISMATCH, ty.span, "only arrays can be `mut`".into(), hint));
    }
}

fn check_type(ty: &ast::TypeExpr, diags: &mut Vec<Diagnostic>) {
    if Type::from_name(&ty.element.text).is_none() {
        diags.push(errors::unknown_type(ty.element.span, &ty.element.text));
    }
}

/// The names a body uses and does not declare, in order of first appearance: variables, not functions.
pub fn free_names(body: &ast::Block) -> Vec<ast::Name> {
    let mut free = Free { bound: vec![Vec::new()], found: Vec::new() };
    free.block(body);
    free.found
}

/// Whether the first argument of a call is the name of a function.
fn takes_function(callee: &ast::Expr) -> bool {
    let ast::ExprKind::Name(name) = &callee.kind else { return false };
    matches!(builtins::builtin(name), Some(Builtin::ReduceBy | Builtin::ScanBy | Builtin::ReduceByIndex))
}

/// Collects free names. Recursion is bounded by the height limit of the tree.
struct Free {
    bound: Vec<Vec<Arc<str>>>,
    found: Vec<ast::Name>,
}

impl Free {
    fn block(&mut self, block: &ast::Block) {
        self.bound.push(Vec::new());
        for stmt in &block.stmts {
            self.stmt(stmt);
        }
        if let Some(value) = &block.value {
            self.expr(value);
        }
        self.bound.pop();
    }

    fn bind(&mut self, name: &ast::Name) {
        if let Some(scope) = self.bound.last_mut() {
            scope.push(name.text.clone());
        }
    }

    fn use_name(&mut self, text: &Arc<str>, span: Span) {
        let bound = self.bound.iter().any(|scope| scope.contains(text));
        let known = builtins::predefined(text).is_some() || &**text == "newaxis";
        if !bound && !known && !self.found.iter().any(|name| name.text == *text) {
            self.found.push(ast::Name { text: text.clone(), span });
        }
    }

    fn stmt(&mut self, stmt: &ast::Stmt) {
        match &stmt.kind {
            ast::StmtKind::Let { pattern, value, .. } => {
                self.expr(value);
                pattern.names().iter().for_each(|name| self.bind(name));
            }
            ast::StmtKind::Var { name, value, .. } => {
                self.expr(value);
                self.bind(name);
            }
            ast::StmtKind::Assign { place, value, .. } => {
                self.expr(value);
                self.place(place);
            }
            ast::StmtKind::If(branch) => self.branch(branch),
            ast::StmtKind::While { cond, body } => {
                self.expr(cond);
                self.block(body);
            }
            ast::StmtKind::For { var, iter, body } => {
                self.expr(iter);
                self.bound.push(vec![var.text.clone()]);
                self.block(body);
                self.bound.pop();
            }
            ast::StmtKind::Return(Some(value)) | ast::StmtKind::Expr(value) => self.expr(value),
            ast::StmtKind::Break | ast::StmtKind::Continue | ast::StmtKind::Return(None) => {}
        }
    }

    fn place(&mut self, place: &ast::Place) {
        match place {
            ast::Place::Name(name) => self.use_name(&name.text, name.span),
            ast::Place::Index(index) => self.index(index),
            ast::Place::Tuple(places, _) => places.iter().for_each(|place| self.place(place)),
        }
    }

    fn branch(&mut self, branch: &ast::If) {
        for arm in &branch.arms {
            self.expr(&arm.cond);
            self.block(&arm.body);
        }
        if let Some(block) = &branch.otherwise {
            self.block(block);
        }
    }

    /// Whether an expression is the name of a function that is always there.
    fn names_function(&self, expr: &ast::Expr) -> bool {
        let ast::ExprKind::Name(name) = &expr.kind else { return false };
        let bound = self.bound.iter().any(|scope| scope.contains(name));
        !bound && (builtins::builtin(name).is_some() || Module::library().by_name.contains_key(name))
    }

    fn index(&mut self, index: &ast::Index) {
        self.expr(&index.base);
        for element in &index.elements {
            match &element.kind {
                ast::IndexKind::At(at) | ast::IndexKind::Offset(at) => self.expr(at),
                ast::IndexKind::Slice { start, stop, step } => {
                    [start, stop, step].into_iter().flatten().for_each(|bound| self.expr(bound));
                }
                ast::IndexKind::NewAxis | ast::IndexKind::Ellipsis => {}
            }
        }
    }

    fn expr(&mut self, expr: &ast::Expr) {
        match &expr.kind {
            ast::ExprKind::Name(name) => self.use_name(name, expr.span),
            ast::ExprKind::Int(_) | ast::ExprKind::Float(_) | ast::ExprKind::Imaginary(_) => {}
            ast::ExprKind::Unary { operand, .. } => self.expr(operand),
            ast::ExprKind::Binary { left, right, .. } => {
                self.expr(left);
                self.expr(right);
            }
            ast::ExprKind::Compare { first, rest } => {
                self.expr(first);
                rest.iter().for_each(|link| self.expr(&link.operand));
            }
            ast::ExprKind::Call { callee, args, named } => {
                match &callee.kind {
                    ast::ExprKind::Name(_) => {}
                    // A method of a function.
                    ast::ExprKind::Field { base, .. } if self.names_function(base) => {}
                    _ => self.expr(callee),
                }
                let taken = usize::from(takes_function(callee) && args.first().is_some_and(|f| self.names_function(f)));
                args[taken..].iter().for_each(|arg| self.expr(arg));
                named.iter().filter(|arg| !names_type(arg)).for_each(|arg| self.expr(&arg.value));
            }
            ast::ExprKind::Index(index) => self.index(index),
            ast::ExprKind::Field { base, .. } => self.expr(base),
            ast::ExprKind::Tuple(list) | ast::ExprKind::List(list) => list.iter().for_each(|item| self.expr(item)),
            ast::ExprKind::If(branch) => self.branch(branch),
        }
    }
}

/// Whether an argument is `dtype=f32` or the like, where the name is no variable.
fn names_type(arg: &ast::NamedArg) -> bool {
    &*arg.name.text == "dtype"
        && matches!(&arg.value.kind, ast::ExprKind::Name(name) if hotloop_ir::Type::from_name(name).is_some())
}
