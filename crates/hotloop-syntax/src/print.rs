//! The tree as text of the language, in one canonical form with no parentheses that are not needed.
//!
//! Printing what was parsed and parsing what was printed gives the same tree. Comments and blank lines are not in the
//! tree and therefore not in the text.

use std::fmt::Write;

use crate::ast::{
    AttrValue, Attribute, BinaryOp, Block, Expr, ExprKind, File, If, Index, IndexElem, IndexKind, Item, ItemKind, Name,
    Param, Pattern, Place, ResultType, Stmt, StmtKind, TypeExpr,
};
use crate::dump::{float_text, type_text};
use crate::ops::level;

/// A whole text, with an empty line between items.
pub fn print_file(file: &File) -> String {
    let mut printer = Printer::default();
    for (at, item) in file.items.iter().enumerate() {
        if at > 0 {
            printer.out.push('\n');
        }
        printer.item(item);
    }
    printer.out
}

/// The inside of a body, one statement per line.
pub fn print_block(block: &Block) -> String {
    let mut printer = Printer::default();
    printer.lines(block);
    printer.out
}

/// An expression.
pub fn print_expr(expr: &Expr) -> String {
    let mut printer = Printer::default();
    printer.expr(expr, LOOSEST);
    printer.out
}

/// Looser than every operator: nothing is put in parentheses.
const LOOSEST: u8 = 0;

#[derive(Default)]
struct Printer {
    out: String,
    indent: usize,
}

impl Printer {
    fn push(&mut self, text: &str) {
        self.out.push_str(text);
    }

    /// Several parts with commas between them.
    fn list<T>(&mut self, parts: &[T], mut print: impl FnMut(&mut Self, &T)) {
        for (at, part) in parts.iter().enumerate() {
            if at > 0 {
                self.push(", ");
            }
            print(self, part);
        }
    }

    fn new_line(&mut self) {
        let _ = write!(self.out, "\n{:1$}", "", self.indent * 4);
    }

    fn item(&mut self, item: &Item) {
        item.attrs.iter().for_each(|attr| self.attr(attr));
        self.push(match item.kind {
            ItemKind::Fn => "fn ",
            ItemKind::Kernel => "kernel ",
        });
        self.push(&item.name.text);
        self.push("(");
        self.list(&item.params, Printer::param);
        self.push(")");
        if let Some(result) = &item.result {
            self.result(result);
        }
        match &item.body.value {
            Some(value) if item.body.stmts.is_empty() => {
                self.push(" = ");
                self.expr(value, LOOSEST);
            }
            _ => {
                self.push(" ");
                self.block(&item.body);
            }
        }
        self.push("\n");
    }

    fn attr(&mut self, attr: &Attribute) {
        let _ = write!(self.out, "@{}", attr.name.text);
        if !attr.args.is_empty() {
            self.push("(");
            self.list(&attr.args, |printer, arg| {
                printer.key(arg.key.as_ref(), " = ");
                match &arg.value {
                    AttrValue::Expr(expr) => printer.expr(expr, LOOSEST),
                    AttrValue::Text(text, _) => {
                        let _ = write!(printer.out, "\"{text}\"");
                    }
                }
            });
            self.push(")");
        }
        self.push("\n");
    }

    fn key(&mut self, key: Option<&Name>, sign: &str) {
        if let Some(key) = key {
            self.push(&key.text);
            self.push(sign);
        }
    }

    fn param(&mut self, param: &Param) {
        self.push(&param.name.text);
        self.annotation(param.ty.as_ref());
    }

    fn annotation(&mut self, ty: Option<&TypeExpr>) {
        if let Some(ty) = ty {
            let _ = write!(self.out, ": {}", type_text(ty));
        }
    }

    fn result(&mut self, result: &ResultType) {
        self.push(" -> ");
        match result {
            ResultType::One(ty) => self.push(&type_text(ty)),
            ResultType::Tuple(types, _) => {
                self.push("(");
                self.list(types, |printer, ty| printer.push(&type_text(ty)));
                self.push(")");
            }
        }
    }

    /// A block in braces, on one line if it is only a value.
    fn block(&mut self, block: &Block) {
        if block.stmts.is_empty() {
            match &block.value {
                Some(value) => {
                    self.push("{ ");
                    self.expr(value, LOOSEST);
                    self.push(" }");
                }
                None => self.push("{}"),
            }
            return;
        }
        self.push("{");
        self.indent += 1;
        self.new_line();
        self.lines(block);
        self.indent -= 1;
        self.new_line();
        self.push("}");
    }

    fn lines(&mut self, block: &Block) {
        for (at, stmt) in block.stmts.iter().enumerate() {
            if at > 0 {
                self.new_line();
            }
            self.stmt(stmt);
        }
        if let Some(value) = &block.value {
            if !block.stmts.is_empty() {
                self.new_line();
            }
            self.expr(value, LOOSEST);
        }
    }

    fn stmt(&mut self, stmt: &Stmt) {
        match &stmt.kind {
            StmtKind::Let { pattern, ty, value } => {
                self.push("let ");
                self.pattern(pattern);
                self.annotation(ty.as_ref());
                self.assigned("=", value);
            }
            StmtKind::Var { name, ty, value } => {
                let _ = write!(self.out, "var {}", name.text);
                self.annotation(ty.as_ref());
                self.assigned("=", value);
            }
            StmtKind::Assign { place, op, value } => {
                self.place(place);
                let sign = op.map_or("", |op| op.text());
                self.assigned(&format!("{sign}="), value);
            }
            StmtKind::If(inner) => self.if_chain(inner),
            StmtKind::While { cond, body } => {
                self.push("while ");
                self.expr(cond, LOOSEST);
                self.push(" ");
                self.block(body);
            }
            StmtKind::For { var, iter, body } => {
                let _ = write!(self.out, "for {} in ", var.text);
                self.expr(iter, LOOSEST);
                self.push(" ");
                self.block(body);
            }
            StmtKind::Break => self.push("break"),
            StmtKind::Continue => self.push("continue"),
            StmtKind::Return(None) => self.push("return"),
            StmtKind::Return(Some(value)) => {
                self.push("return ");
                self.expr(value, LOOSEST);
            }
            StmtKind::Expr(expr) => self.expr(expr, LOOSEST),
        }
    }

    fn assigned(&mut self, sign: &str, value: &Expr) {
        let _ = write!(self.out, " {sign} ");
        self.expr(value, LOOSEST);
    }

    fn pattern(&mut self, pattern: &Pattern) {
        match pattern {
            Pattern::Name(name) => self.push(&name.text),
            Pattern::Tuple(names, _) => {
                self.push("(");
                self.list(names, |printer, name| printer.push(&name.text));
                self.push(")");
            }
        }
    }

    fn place(&mut self, place: &Place) {
        match place {
            Place::Name(name) => self.push(&name.text),
            Place::Index(index) => self.index(index),
            Place::Tuple(places, _) => self.tuple(places, Printer::place),
        }
    }

    fn tuple<T>(&mut self, parts: &[T], print: impl FnMut(&mut Self, &T)) {
        self.push("(");
        self.list(parts, print);
        self.push(if parts.len() == 1 { ",)" } else { ")" });
    }

    fn if_chain(&mut self, inner: &If) {
        for (at, arm) in inner.arms.iter().enumerate() {
            self.push(if at == 0 { "if " } else { " else if " });
            self.expr(&arm.cond, LOOSEST);
            self.push(" ");
            self.block(&arm.body);
        }
        if let Some(block) = &inner.otherwise {
            self.push(" else ");
            self.block(block);
        }
    }

    /// An expression, in parentheses if it binds less tightly than `min`.
    fn expr(&mut self, expr: &Expr, min: u8) {
        let wrapped = level_of(expr) < min;
        if wrapped {
            self.push("(");
        }
        self.bare(expr);
        if wrapped {
            self.push(")");
        }
    }

    fn bare(&mut self, expr: &Expr) {
        match &expr.kind {
            ExprKind::Name(text) => self.push(text),
            ExprKind::Int(int) => {
                let _ = write!(self.out, "{}", int.value);
                self.key(int.suffix.as_ref(), "");
            }
            ExprKind::Float(float) => self.push(&float_text(float)),
            ExprKind::Imaginary(float) => {
                let _ = write!(self.out, "{}j", float.text);
            }
            ExprKind::Unary { op, operand } => {
                self.push(op.text());
                if op.text() == "not" {
                    self.push(" ");
                }
                self.expr(operand, op.level());
            }
            ExprKind::Binary { op, left, right, .. } => self.binary(*op, left, right),
            ExprKind::Compare { first, rest } => {
                self.expr(first, level::COMPARE + 1);
                for link in rest {
                    let _ = write!(self.out, " {} ", link.op.text());
                    self.expr(&link.operand, level::COMPARE + 1);
                }
            }
            ExprKind::Call { callee, args, named } => {
                self.expr(callee, level::POSTFIX);
                self.push("(");
                self.list(args, |printer, arg| printer.expr(arg, LOOSEST));
                self.push(if args.is_empty() || named.is_empty() { "" } else { ", " });
                self.list(named, |printer, named| {
                    printer.key(Some(&named.name), "=");
                    printer.expr(&named.value, LOOSEST);
                });
                self.push(")");
            }
            ExprKind::Index(index) => self.index(index),
            ExprKind::Field { base, name } => self.field(base, name),
            ExprKind::Tuple(elements) => self.tuple(elements, |printer, element| printer.expr(element, LOOSEST)),
            ExprKind::List(elements) => {
                self.push("[");
                self.list(elements, |printer, element| printer.expr(element, LOOSEST));
                self.push("]");
            }
            ExprKind::If(inner) => self.if_chain(inner),
        }
    }

    fn binary(&mut self, op: BinaryOp, left: &Expr, right: &Expr) {
        // `**` takes its right side from the right and lets it have a sign; all others lean to the left.
        let power = op == BinaryOp::Pow;
        let (left_min, right_min) = if power { (level::POSTFIX, level::SIGN) } else { (op.level(), op.level() + 1) };
        self.expr(left, left_min);
        let space = if power { "" } else { " " };
        let _ = write!(self.out, "{space}{}{space}", op.text());
        self.expr(right, right_min);
    }

    fn index(&mut self, index: &Index) {
        self.expr(&index.base, level::POSTFIX);
        self.push("[");
        self.list(&index.elements, Printer::elem);
        self.push("]");
    }

    fn elem(&mut self, elem: &IndexElem) {
        match &elem.kind {
            IndexKind::At(expr) => self.expr(expr, LOOSEST),
            IndexKind::Slice { start, stop, step } => {
                self.part(start);
                self.push(":");
                self.part(stop);
                if step.is_some() {
                    self.push(":");
                    self.part(step);
                }
            }
            IndexKind::NewAxis => self.push("newaxis"),
            IndexKind::Ellipsis => self.push("..."),
            IndexKind::Offset(expr) => {
                self.push("@");
                self.expr(expr, LOOSEST);
            }
        }
    }

    fn part(&mut self, part: &Option<Box<Expr>>) {
        if let Some(part) = part {
            self.expr(part, LOOSEST);
        }
    }

    /// The dot after a number would become a part of it.
    fn field(&mut self, base: &Expr, name: &Name) {
        let number = matches!(base.kind, ExprKind::Int(_) | ExprKind::Float(_) | ExprKind::Imaginary(_));
        self.expr(base, if number { u8::MAX } else { level::POSTFIX });
        let _ = write!(self.out, ".{}", name.text);
    }
}

fn level_of(expr: &Expr) -> u8 {
    match &expr.kind {
        ExprKind::Unary { op, .. } => op.level(),
        ExprKind::Binary { op, .. } => op.level(),
        ExprKind::Compare { .. } => level::COMPARE,
        ExprKind::If(_) => LOOSEST,
        ExprKind::Name(_)
        | ExprKind::Int(_)
        | ExprKind::Float(_)
        | ExprKind::Imaginary(_)
        | ExprKind::Call { .. }
        | ExprKind::Index(_)
        | ExprKind::Field { .. }
        | ExprKind::Tuple(_)
        | ExprKind::List(_) => level::POSTFIX,
    }
}
