//! What random programs do with whole arrays beyond elements and plain reductions: scans, reductions by functions,
//! stencils, gathering, masks, positions, and values combined by index.
//!
//! Functions that are needed for it are collected in `tops`, which stand before the kernel.

use super::{Made, Maker, RANK, Var};
use hotloop::Type;

/// Functions of two values for scans and reductions. Where they are not associative the fixed blocks still make one
/// result of them.
const JOINS: &[&str] = &["max(a, b)", "a + b", "min(b, a)", "if a > b { a } else { b }", "a * b", "b - a"];
/// The same for whole numbers, with one that faults.
const WHOLE_JOINS: &[&str] = &["a + b", "a ^ b", "max(a, b)", "a | b", "a // b", "a & b"];
const BORDERS: &[&str] = &["edge", "constant(1)", "reflect", "mirror", "wrap", "skip", "constant(0)"];

impl Maker<'_> {
    /// A value of this type made of arrays as wholes.
    pub(super) fn of_arrays(&mut self, ty: Type, depth: usize) -> Made {
        match self.byte() % 7 {
            0 | 1 => self.scan(ty, depth),
            2 => self.walked(ty, depth),
            3 => self.stencil(ty, depth),
            4 => self.gather(ty, depth),
            5 => self.masked(ty),
            _ => self.position(ty, depth),
        }
    }

    /// An array of numbers: its type, and the expression.
    fn numbers(&mut self, depth: usize) -> Option<(Type, Made)> {
        let from = self.number_type();
        let made = self.expr(from, depth.saturating_sub(1));
        if made.rank > 0 {
            return Some((from, made));
        }
        let var = self.numeric_array()?;
        Some((var.ty, Made { text: self.view(&var), rank: var.rank }))
    }

    /// A numeric text brought to a type.
    fn brought(ty: Type, text: &str) -> String {
        if ty == Type::Bool { format!("({text} > 1)") } else { format!("{ty}({text})") }
    }

    fn axis(&mut self) -> &'static str {
        if self.byte() % 3 == 1 { "0" } else { "-1" }
    }

    fn scan(&mut self, ty: Type, depth: usize) -> Made {
        let Some((_, value)) = self.numbers(depth) else { return self.leaf(ty) };
        let name = *self.pick(&["cumsum", "cummax", "cumprod", "cummin"]);
        let axis = self.axis();
        let exclusive = if self.chance(60) { ", exclusive=true" } else { "" };
        let text = format!("{name}({}, axis={axis}{exclusive})", value.text);
        Made { text: Self::brought(ty, &text), rank: value.rank }
    }

    /// A function of two values, by name.
    fn join(&mut self, ty: Type) -> String {
        let list = if ty.is_float() { JOINS } else { WHOLE_JOINS };
        let body = *self.pick(list);
        let name = self.fresh("join");
        self.tops.push(format!("fn {name}(a, b) = {body}\n"));
        name
    }

    /// A scan, or a reduction along an axis, by a function.
    fn walked(&mut self, ty: Type, depth: usize) -> Made {
        let Some((from, value)) = self.numbers(depth) else { return self.leaf(ty) };
        let (join, axis) = (self.join(from), self.axis());
        let one = format!("1{from}");
        let (text, rank) = match self.byte() % 3 {
            0 => (format!("scan({join}, {}, axis={axis})", value.text), value.rank),
            1 => (format!("reduce({join}, {one}, {}, axis={axis}, keepdims=true)", value.text), value.rank),
            _ => (format!("reduce({join}, {one}, {})", value.text), 0),
        };
        Made { text: Self::brought(ty, &text), rank }
    }

    fn stencil(&mut self, ty: Type, depth: usize) -> Made {
        let Some((from, value)) = self.numbers(depth) else { return self.leaf(ty) };
        let taps: Vec<String> = (0..2 + self.byte() % 2).map(|_| self.tap(value.rank)).collect();
        let ops: &[&str] = if from.is_float() { &["+", "-", "*"] } else { &["+", "-", "^"] };
        let body = taps.join(&format!(" {} ", self.pick(ops)));
        let (border, name) = (*self.pick(BORDERS), self.fresh("near"));
        self.tops.push(format!("@stencil(border = {border})\nfn {name}(a) = {body}\n"));
        Made { text: Self::brought(ty, &format!("{name}({})", value.text)), rank: value.rank }
    }

    fn tap(&mut self, rank: usize) -> String {
        let offsets: Vec<&str> = (0..rank).map(|_| *self.pick(&["@0", "@-1", "@1", "@2", "@-2"])).collect();
        format!("a[{}]", offsets.join(", "))
    }

    /// Elements at indices that are computed; some programs leave them as they come, so that they may be outside.
    fn gather(&mut self, ty: Type, depth: usize) -> Made {
        let arrays: Vec<Var> = self.vars.iter().filter(|var| var.rank == 1).cloned().collect();
        if arrays.is_empty() {
            return self.leaf(ty);
        }
        let var = self.pick(&arrays).clone();
        let index = self.expr(Type::I64, depth.saturating_sub(1));
        if index.rank == 0 {
            return self.element(ty);
        }
        let inside = format!("{} % max(len({}), 1)", index.text, var.name);
        let index_text = if self.chance(25) { index.text } else { inside };
        let text = format!("{}[{index_text}]", var.name);
        let text = match (ty == var.ty, ty) {
            (true, _) => text,
            (false, Type::Bool) => format!("({text} != {}(1))", var.ty),
            (false, _) => format!("{ty}({text})"),
        };
        Made { text, rank: index.rank }
    }

    /// A reduction over the elements that a mask leaves.
    fn masked(&mut self, ty: Type) -> Made {
        let Some(var) = self.numeric_array() else { return self.leaf(ty) };
        let (name, a) = (*self.pick(&["sum", "max", "min", "prod", "mean"]), &var.name);
        let bound = *self.pick(&["0", "3", "-100"]);
        let bound = if var.ty.is_signed() || var.ty.is_float() { bound } else { "2" };
        let text = match self.byte() % 3 {
            0 => format!("{name}({a}[{a} > {bound}])"),
            1 => format!("{name}({a}, where={a} != {bound})"),
            _ => format!("sum({a}, axis=0, where={a} < {bound})"),
        };
        let rank = if text.contains("axis") { var.rank - 1 } else { 0 };
        Made { text: Self::brought(ty, &text), rank }
    }

    fn position(&mut self, ty: Type, depth: usize) -> Made {
        let Some((_, value)) = self.numbers(depth) else { return self.leaf(ty) };
        let (name, axis) = (*self.pick(&["argmin", "argmax"]), self.axis());
        let (text, rank) = match self.byte() % 2 {
            0 => (format!("{name}({}, axis={axis}, keepdims=true)", value.text), value.rank),
            _ => (format!("{name}({})", value.text), 0),
        };
        Made { text: Self::brought(ty, &text), rank }
    }

    fn numeric_array(&mut self) -> Option<Var> {
        let fits = |var: &&Var| var.rank > 0 && var.ty.is_numeric() && !var.ty.is_complex();
        let arrays: Vec<Var> = self.vars.iter().filter(fits).cloned().collect();
        if arrays.is_empty() { None } else { Some(self.pick(&arrays).clone()) }
    }

    /// A result whose shape has nothing to do with those of the parameters: selected elements, or counts.
    pub(super) fn of_own_shape(&mut self) -> Option<String> {
        let var = self.numeric_array()?;
        let a = &var.name;
        Some(match self.byte() % 4 {
            0 => format!("{a}[{a} > 1]"),
            1 => format!("histogram({}, 7, -4.5, 5.5)", self.flat(&var)),
            2 => format!("bincount(i64({}) & 7, 8)", self.flat(&var)),
            _ => {
                let join = self.join(var.ty);
                let values = self.flat(&var);
                format!("reduce_by_index({join}, full(5, {}(1)), i64({values}) & 3, {values})", var.ty)
            }
        })
    }

    fn flat(&mut self, var: &Var) -> String {
        if var.rank == RANK { format!("reshape({}, -1)", var.name) } else { var.name.clone() }
    }
}
