//! The tree as indented text, for people and for comparing trees in tests.
//!
//! The form is stable and shows everything but the spans.

use std::fmt::Write;

use crate::ast::{
    AttrValue, Attribute, Block, Expr, ExprKind, File, FloatLit, If, Index, IndexElem, IndexKind, Item, ItemKind, Name,
    Param, Pattern, Place, ResultType, Stmt, StmtKind, TypeExpr,
};

/// A line that is not longer than this is not broken.
const WIDTH: usize = 80;

/// A whole text, one item after the other.
pub fn dump(file: &File) -> String {
    file.items.iter().map(|item| item_node(item).render()).collect()
}

/// A block, as it stands inside of an item.
pub fn dump_block(block: &Block) -> String {
    block_node(block).render()
}

/// An expression.
pub fn dump_expr(expr: &Expr) -> String {
    expr_node(expr).render()
}

/// A part of the output: a word, or a word and its parts in parentheses.
struct Node {
    head: String,
    parts: Option<Vec<Node>>,
    /// The characters of the node on one line.
    width: usize,
}

impl Node {
    fn word(head: impl Into<String>) -> Node {
        let head = head.into();
        Node { width: head.chars().count(), head, parts: None }
    }

    fn of(head: impl Into<String>, parts: Vec<Node>) -> Node {
        let head = head.into();
        let inside: usize = parts.iter().map(|part| part.width + 1).sum();
        Node { width: head.chars().count() + 2 + inside, head, parts: Some(parts) }
    }

    fn render(&self) -> String {
        let mut out = String::new();
        self.write(&mut out, 0);
        out.push('\n');
        out
    }

    fn write(&self, out: &mut String, indent: usize) {
        let Some(parts) = &self.parts else {
            out.push_str(&self.head);
            return;
        };
        let _ = write!(out, "({}", self.head);
        let flat = indent + self.width <= WIDTH;
        for part in parts {
            if flat {
                out.push(' ');
            } else {
                let _ = write!(out, "\n{:1$}", "", indent + 2);
            }
            part.write(out, indent + 2);
        }
        out.push(')');
    }
}

fn item_node(item: &Item) -> Node {
    let kind = match item.kind {
        ItemKind::Fn => "fn",
        ItemKind::Kernel => "kernel",
    };
    let mut parts: Vec<_> = item.attrs.iter().map(attr_node).collect();
    parts.push(Node::of("params", item.params.iter().map(param_node).collect()));
    parts.extend(item.result.as_ref().map(result_node));
    parts.push(block_node(&item.body));
    Node::of(format!("{kind} {}", item.name.text), parts)
}

fn attr_node(attr: &Attribute) -> Node {
    let args = attr.args.iter().map(|arg| {
        let value = match &arg.value {
            AttrValue::Expr(expr) => expr_node(expr),
            AttrValue::Text(text, _) => Node::word(format!("\"{text}\"")),
        };
        keyed(arg.key.as_ref(), value)
    });
    Node::of(format!("@{}", attr.name.text), args.collect())
}

fn keyed(key: Option<&Name>, value: Node) -> Node {
    match key {
        Some(key) => Node::of(format!("{}=", key.text), vec![value]),
        None => value,
    }
}

fn param_node(param: &Param) -> Node {
    Node::word(format!("{}{}", param.name.text, annotation(param.ty.as_ref())))
}

fn annotation(ty: Option<&TypeExpr>) -> String {
    ty.map_or_else(String::new, |ty| format!(": {}", type_text(ty)))
}

/// A type as it is written.
pub(crate) fn type_text(ty: &TypeExpr) -> String {
    let mutable = if ty.mutable { "mut " } else { "" };
    let axes = ty.rank.map_or_else(String::new, |rank| format!("[{}]", vec![":"; rank].join(", ")));
    format!("{mutable}{}{axes}", ty.element.text)
}

fn result_node(result: &ResultType) -> Node {
    let word = |ty: &TypeExpr| Node::word(type_text(ty));
    match result {
        ResultType::One(ty) => Node::of("->", vec![word(ty)]),
        ResultType::Tuple(types, _) => Node::of("-> tuple", types.iter().map(word).collect()),
    }
}

fn block_node(block: &Block) -> Node {
    let mut parts: Vec<_> = block.stmts.iter().map(stmt_node).collect();
    parts.extend(block.value.as_ref().map(|value| Node::of("value", vec![expr_node(value)])));
    Node::of("block", parts)
}

fn stmt_node(stmt: &Stmt) -> Node {
    match &stmt.kind {
        StmtKind::Let { pattern, ty, value } => {
            let bound = match pattern {
                Pattern::Name(name) => name.text.to_string(),
                Pattern::Tuple(names, _) => format!("({})", name_list(names)),
            };
            Node::of(format!("let {bound}{}", annotation(ty.as_ref())), vec![expr_node(value)])
        }
        StmtKind::Var { name, ty, value } => {
            Node::of(format!("var {}{}", name.text, annotation(ty.as_ref())), vec![expr_node(value)])
        }
        StmtKind::Assign { place, op, value } => {
            let sign = op.map_or("", |op| op.text());
            Node::of(format!("{sign}="), vec![place_node(place), expr_node(value)])
        }
        StmtKind::If(inner) => if_node(inner),
        StmtKind::While { cond, body } => Node::of("while", vec![expr_node(cond), block_node(body)]),
        StmtKind::For { var, iter, body } => {
            Node::of(format!("for {}", var.text), vec![expr_node(iter), block_node(body)])
        }
        StmtKind::Break => Node::of("break", Vec::new()),
        StmtKind::Continue => Node::of("continue", Vec::new()),
        StmtKind::Return(value) => Node::of("return", value.iter().map(expr_node).collect()),
        StmtKind::Expr(expr) => Node::of("do", vec![expr_node(expr)]),
    }
}

fn name_list(names: &[Name]) -> String {
    let texts: Vec<&str> = names.iter().map(|name| &*name.text).collect();
    texts.join(" ")
}

fn place_node(place: &Place) -> Node {
    match place {
        Place::Name(name) => Node::word(&*name.text),
        Place::Index(index) => index_node(index),
        Place::Tuple(places, _) => Node::of("tuple", places.iter().map(place_node).collect()),
    }
}

fn if_node(inner: &If) -> Node {
    let mut parts = Vec::new();
    for arm in &inner.arms {
        parts.push(expr_node(&arm.cond));
        parts.push(block_node(&arm.body));
    }
    parts.extend(inner.otherwise.as_ref().map(|block| Node::of("else", vec![block_node(block)])));
    Node::of("if", parts)
}

fn expr_node(expr: &Expr) -> Node {
    match &expr.kind {
        ExprKind::Name(text) => Node::word(&**text),
        ExprKind::Int(int) => Node::word(format!("{}{}", int.value, suffix(int.suffix.as_ref()))),
        ExprKind::Float(float) => Node::word(float_text(float)),
        ExprKind::Imaginary(float) => Node::word(format!("{}j", float.text)),
        ExprKind::Unary { op, operand } => Node::of(op.text(), vec![expr_node(operand)]),
        ExprKind::Binary { op, left, right, .. } => Node::of(op.text(), vec![expr_node(left), expr_node(right)]),
        ExprKind::Compare { first, rest } => {
            let mut parts = vec![expr_node(first)];
            for link in rest {
                parts.push(Node::word(link.op.text()));
                parts.push(expr_node(&link.operand));
            }
            Node::of("compare", parts)
        }
        ExprKind::Call { callee, args, named } => {
            let mut parts = vec![expr_node(callee)];
            parts.extend(args.iter().map(expr_node));
            parts.extend(named.iter().map(|named| keyed(Some(&named.name), expr_node(&named.value))));
            Node::of("call", parts)
        }
        ExprKind::Index(index) => index_node(index),
        ExprKind::Field { base, name } => Node::of(format!(".{}", name.text), vec![expr_node(base)]),
        ExprKind::Tuple(elements) => Node::of("tuple", elements.iter().map(expr_node).collect()),
        ExprKind::List(elements) => Node::of("list", elements.iter().map(expr_node).collect()),
        ExprKind::If(inner) => if_node(inner),
    }
}

/// A float as it is written.
pub(crate) fn float_text(float: &FloatLit) -> String {
    format!("{}{}", float.text, suffix(float.suffix.as_ref()))
}

fn suffix(name: Option<&Name>) -> &str {
    name.map_or("", |name| &name.text)
}

fn index_node(index: &Index) -> Node {
    let mut parts = vec![expr_node(&index.base)];
    parts.extend(index.elements.iter().map(elem_node));
    Node::of("index", parts)
}

fn elem_node(elem: &IndexElem) -> Node {
    match &elem.kind {
        IndexKind::At(expr) => expr_node(expr),
        IndexKind::Slice { start, stop, step } => {
            let part = |part: &Option<Box<Expr>>| part.as_ref().map_or_else(|| Node::word("_"), |part| expr_node(part));
            Node::of("slice", vec![part(start), part(stop), part(step)])
        }
        IndexKind::NewAxis => Node::of("newaxis", Vec::new()),
        IndexKind::Ellipsis => Node::word("..."),
        IndexKind::Offset(expr) => Node::of("offset", vec![expr_node(expr)]),
    }
}
