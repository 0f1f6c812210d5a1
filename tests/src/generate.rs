//! Random programs: from bytes to a well-typed text with inputs. Fewer bytes, and smaller ones, give simpler programs.
//!
//! Covers types, broadcasting, views with negative and zero strides, masks, loops, reductions, scans, stencils, gathering,
//! stores into arguments and faults of division and indexing. Leaves out what shows the sign of a NaN, which is not
//! promised.

mod arrays;

use crate::case::Input;
use crate::data::{self, Data, Random, Window};
use hotloop::{Scalar, Type};

/// A text and what its kernel `k` is called with.
#[derive(Clone, Debug)]
pub struct Generated {
    /// The text.
    pub text: String,
    /// The arguments, in order.
    pub inputs: Vec<Input>,
}

/// A program from bytes.
pub fn generate(bytes: &[u8]) -> Generated {
    let mut maker = Maker { bytes, at: 0, vars: Vec::new(), helper: None, tops: Vec::new(), inside: false, counter: 0 };
    maker.program()
}

/// Something an expression can name.
#[derive(Clone, Debug)]
struct Var {
    name: String,
    ty: Type,
    rank: usize,
}

/// A function mapped over elements.
#[derive(Clone, Copy)]
struct Helper {
    params: [Type; 2],
    result: Type,
}

struct Maker<'a> {
    bytes: &'a [u8],
    at: usize,
    vars: Vec<Var>,
    helper: Option<Helper>,
    /// Functions that stand before the kernel.
    tops: Vec<String>,
    /// Whether the code is that of one element, where nothing is reduced.
    inside: bool,
    counter: usize,
}

/// An expression and its number of axes.
struct Made {
    text: String,
    rank: usize,
}

const RANK: usize = 2;
const EXTENTS: &[usize] = &[3, 1, 0, 2, 4, 5, 8, 9, 17, 33, 70, 130];
const FLOAT_FUNCTIONS: &[&str] = &["sqrt", "exp", "log", "sin", "cos", "tanh", "erf", "floor", "round", "abs", "sign"];

impl Maker<'_> {
    /// The next byte; zero when there are no more.
    fn byte(&mut self) -> usize {
        let byte = self.bytes.get(self.at).copied().unwrap_or(0);
        self.at += 1;
        byte.into()
    }

    fn pick<'t, T>(&mut self, list: &'t [T]) -> &'t T {
        let at = self.byte();
        &list[at % list.len()]
    }

    /// Whether something with so many chances in 256 happens; never when there are no more bytes.
    fn chance(&mut self, of: usize) -> bool {
        self.byte() >= 256 - of
    }

    fn any_type(&mut self) -> Type {
        *self.pick(&[
            Type::F64,
            Type::F32,
            Type::I64,
            Type::I32,
            Type::U8,
            Type::I16,
            Type::U64,
            Type::Bool,
            Type::I8,
            Type::U16,
            Type::U32,
        ])
    }

    fn number_type(&mut self) -> Type {
        let ty = self.any_type();
        if ty == Type::Bool { Type::F64 } else { ty }
    }

    fn fresh(&mut self, prefix: &str) -> String {
        self.counter += 1;
        format!("{prefix}{}", self.counter)
    }

    fn program(&mut self) -> Generated {
        let extents = [*self.pick(EXTENTS), *self.pick(EXTENTS)];
        let extents = if self.chance(20) { [1, 5000] } else { extents };
        let count = 1 + self.byte() % 3;
        let mut inputs: Vec<Input> = (0..count).map(|_| self.parameter(&extents)).collect();
        let helper = if self.chance(90) { self.make_helper() } else { String::new() };
        let written = if self.chance(90) { Some(self.written(&extents)) } else { None };
        let mut lines = Vec::new();
        for _ in 0..self.byte() % 3 {
            let ty = self.any_type();
            let value = self.expr(ty, 3);
            let name = self.fresh("t");
            lines.push(format!("    let {name} = {}", value.text));
            self.vars.push(Var { name, ty, rank: value.rank });
        }
        if let Some(input) = written {
            self.stores(&input, &mut lines);
            inputs.push(input);
        }
        let results: Vec<String> = (0..1 + self.byte() % 2).map(|_| self.result()).collect();
        lines.push(if results.len() == 1 {
            format!("    {}", results[0])
        } else {
            format!("    ({})", results.join(", "))
        });
        let params: Vec<String> = inputs.iter().map(param_text).collect();
        let tops = self.tops.concat();
        let text = format!("{tops}{helper}kernel k({}) {{\n{}\n}}\n", params.join(", "), lines.join("\n"));
        Generated { text, inputs }
    }

    fn result(&mut self) -> String {
        if self.chance(24)
            && let Some(text) = self.of_own_shape()
        {
            return text;
        }
        let ty = self.any_type();
        self.expr(ty, 4).text
    }

    /// A parameter that is read: a scalar, or an array over the last axes, of which some have one point.
    fn parameter(&mut self, extents: &[usize; RANK]) -> Input {
        let name = self.fresh("a");
        let ty = self.any_type();
        let rank = [2, 1, 0, 1, 2][self.byte() % 5];
        let shape: Vec<usize> = (RANK - rank..RANK).map(|d| if self.chance(40) { 1 } else { extents[d] }).collect();
        let seed = self.byte() as u64;
        self.vars.push(Var { name: name.clone(), ty, rank });
        let (data, window) = match rank {
            0 => (Data { shape: Vec::new(), ..elements(ty, &[1], seed) }, None),
            _ => self.memory(ty, &shape, seed),
        };
        Input { name, mutable: false, weak: false, data, window }
    }

    /// Memory for an array: dense, or a window with strides of any sign.
    fn memory(&mut self, ty: Type, shape: &[usize], seed: u64) -> (Data, Option<Window>) {
        if !self.chance(70) {
            return (elements(ty, shape, seed), None);
        }
        let mut strides: Vec<isize> = Vec::new();
        let mut room = 1;
        for extent in shape.iter().rev() {
            let kind = self.byte() % 4;
            let gap = if kind == 3 { room * 2 } else { room };
            strides.push(if kind == 2 { 0 } else { gap as isize });
            room = gap * (*extent).max(1);
        }
        strides.reverse();
        if self.chance(60) && shape.len() == 2 && shape[0] == shape[1] {
            strides.reverse();
        }
        let mut offset = 0;
        for (stride, extent) in strides.iter_mut().zip(shape) {
            if self.chance(80) && *extent > 0 {
                offset += stride.unsigned_abs() * (extent - 1);
                *stride = -*stride;
            }
        }
        (elements(ty, &[room.max(1)], seed), Some(Window { offset, shape: shape.to_vec(), strides }))
    }

    /// A parameter that is written, of all axes.
    fn written(&mut self, extents: &[usize; RANK]) -> Input {
        let ty = self.any_type();
        let seed = self.byte() as u64;
        let name = self.fresh("y");
        self.vars.push(Var { name: name.clone(), ty, rank: RANK });
        Input { name, mutable: true, weak: false, data: elements(ty, extents, seed), window: None }
    }

    /// Statements that write the argument: whole, by overlapping slices, or in loops.
    fn stores(&mut self, input: &Input, lines: &mut Vec<String>) {
        let (y, ty) = (&input.name, input.data.ty);
        for _ in 0..1 + self.byte() % 2 {
            let line = match self.byte() % 11 {
                0 => format!("    {y}[...] = {}", self.expr(ty, 3).text),
                1 => format!("    {y}[1:, :] = {y}[:-1, ::-1]"),
                2 => format!("    {y}[:, ::2] = {}", self.scalar(ty, 2)),
                3 => format!("    {y}[:, ::-1] = {y}"),
                4 => self.sequential(y, ty),
                5 => self.parallel(y, ty),
                6 => self.over_time(y, ty),
                7 => self.through_local(y, ty),
                8 => self.gathered(y, ty),
                9 => self.where_true(y, ty),
                _ => self.branched(y, ty),
            };
            lines.push(line);
        }
    }

    /// Each row from the one before it.
    fn sequential(&mut self, y: &str, ty: Type) -> String {
        let scalar = self.scalar(ty, 2);
        let step = *self.pick(&["1", "2", "3"]);
        let (i, j) = (self.fresh("i"), self.fresh("j"));
        let op = if ty == Type::Bool { "!=" } else { "+" };
        format!(
            "    for {i} in range(1, len({y}), {step}) {{\n        for {j} in range(shape({y}, 1)) {{ {y}[{i}, {j}] = \
             {y}[{i} - 1, {j}] {op} {scalar} }}\n    }}"
        )
    }

    fn parallel(&mut self, y: &str, ty: Type) -> String {
        let scalar = self.scalar(ty, 2);
        let (i, j) = (self.fresh("i"), self.fresh("j"));
        format!(
            "    for {i} in prange(len({y})) {{\n        for {j} in range(shape({y}, 1)) {{ {y}[{i}, {j}] = {scalar} }}\n    }}"
        )
    }

    /// Array statements repeated, with overlapping slices.
    fn over_time(&mut self, y: &str, ty: Type) -> String {
        let value = self.expr(ty, 2);
        let t = self.fresh("t");
        let rows = if value.rank == RANK { "..." } else { "1:, :" };
        format!(
            "    for {t} in range(3) {{\n        {y}[{rows}] = {}\n        {y}[:-1, :] = {y}[1:, :]\n    }}",
            value.text
        )
    }

    /// A local array between two stores.
    fn through_local(&mut self, y: &str, ty: Type) -> String {
        let value = self.expr(ty, 3);
        let w = self.fresh("w");
        format!("    var {w} = zeros_like({y})\n    {w}[...] = {}\n    {y}[::-1, ...] = {w}", value.text)
    }

    /// Elements at computed indices, of which a few are outside.
    fn gathered(&mut self, y: &str, ty: Type) -> String {
        let arrays: Vec<Var> = self.vars.iter().filter(|var| var.rank == 1 && var.name != y).cloned().collect();
        if arrays.is_empty() {
            return self.parallel(y, ty);
        }
        let var = self.pick(&arrays).clone();
        let (i, j) = (self.fresh("i"), self.fresh("j"));
        let factor = *self.pick(&["1", "3", "7", "-1"]);
        let bound = *self.pick(&["max(len(@), 1)", "len(@)", "(len(@) + 1)"]);
        let bound = bound.replace('@', &var.name);
        format!(
            "    for {i} in prange(len({y})) {{\n        for {j} in range(shape({y}, 1)) {{ {y}[{i}, {j}] = \
             {ty}({}[({i} * {factor} + {j}) % {bound}]) }}\n    }}",
            var.name
        )
    }

    /// A store where the argument itself is not 0, or true.
    fn where_true(&mut self, y: &str, ty: Type) -> String {
        let scalar = self.scalar(ty, 2);
        let mask = if ty == Type::Bool { y.to_owned() } else { format!("{y} != {ty}(0)") };
        format!("    {y}[{mask}] = {scalar}")
    }

    /// One of two stores, by a scalar.
    fn branched(&mut self, y: &str, ty: Type) -> String {
        let cond = self.scalar(Type::Bool, 2);
        let (one, other) = (self.expr(ty, 2), self.scalar(ty, 2));
        format!("    if {cond} {{ {y}[...] = {} }} else {{ {y}[1:, ::-1] = {other} }}", one.text)
    }

    /// A function of two elements, with a loop whose turns differ from lane to lane.
    fn make_helper(&mut self) -> String {
        let params = [self.number_type(), self.number_type()];
        let result = self.number_type();
        let outer = std::mem::take(&mut self.vars);
        self.vars = vec![
            Var { name: "p".to_owned(), ty: params[0], rank: 0 },
            Var { name: "q".to_owned(), ty: params[1], rank: 0 },
        ];
        let start = self.scalar(result, 2);
        self.vars.push(Var { name: "r".to_owned(), ty: result, rank: 0 });
        let (go_on, branch) = (self.scalar(Type::Bool, 2), self.scalar(Type::Bool, 2));
        let (one, other) = (self.scalar(result, 2), self.scalar(result, 2));
        let turns = 1 + self.byte() % 9;
        let leave = match self.byte() % 4 {
            0 => "",
            1 => "        if n > 3 { break }\n",
            2 => "        if n == 2 { continue }\n",
            _ => "        if n > 5 { return r }\n",
        };
        self.vars = outer;
        self.helper = Some(Helper { params, result });
        format!(
            "@vectorize\nfn helper(p: {}, q: {}) {{\n    var r = {start}\n    var n = 0\n    while n < {turns} and {go_on} \
             {{\n        n += 1\n{leave}        if {branch} {{ r = {one} }} else {{ r = {other} }}\n    }}\n    r\n}}\n\n",
            params[0], params[1]
        )
    }

    fn scalar(&mut self, ty: Type, depth: usize) -> String {
        // Scalar expressions name scalars only.
        let kept = self.vars.clone();
        self.vars.retain(|var| var.rank == 0);
        let helper = self.helper.take();
        self.inside = true;
        let made = self.expr(ty, depth);
        self.inside = false;
        self.vars = kept;
        self.helper = helper;
        made.text
    }

    fn expr(&mut self, ty: Type, depth: usize) -> Made {
        if depth == 0 || self.chance(30) {
            return self.leaf(ty);
        }
        if !self.inside && self.chance(28) {
            return self.of_arrays(ty, depth);
        }
        let shared = self.byte() % 10;
        match shared {
            0 => self.leaf(ty),
            1 => self.choice(ty, depth),
            2 => self.cast(ty, depth),
            3 if !self.inside => self.reduction(ty, depth),
            4 => self.mapped(ty, depth),
            _ if ty == Type::Bool => self.condition(depth),
            _ if ty.is_float() => self.float(ty, depth),
            _ => self.whole(ty, depth),
        }
    }

    fn leaf(&mut self, ty: Type) -> Made {
        let fitting: Vec<Var> = self.vars.iter().filter(|var| var.ty == ty).cloned().collect();
        if fitting.is_empty() || self.chance(40) {
            let foreign: Vec<Var> = self.vars.clone();
            if !foreign.is_empty() && self.chance(150) {
                let var = self.pick(&foreign).clone();
                return Made { text: format!("{ty}({})", self.view(&var)), rank: var.rank };
            }
            return Made { text: self.literal(ty), rank: 0 };
        }
        let var = self.pick(&fitting).clone();
        Made { text: self.view(&var), rank: var.rank }
    }

    /// A variable, perhaps seen backwards.
    fn view(&mut self, var: &Var) -> String {
        match (var.rank, self.byte() % 8) {
            (1, 7) => format!("{}[::-1]", var.name),
            (2, 7) => format!("{}[::-1, :]", var.name),
            (2, 6) => format!("{}[..., ::-1]", var.name),
            _ => var.name.clone(),
        }
    }

    fn literal(&mut self, ty: Type) -> String {
        match ty {
            Type::Bool => (*self.pick(&["true", "false"])).to_owned(),
            Type::C64 | Type::C128 => format!("{ty}({})", self.literal(ty.part())),
            Type::F32 | Type::F64 | Type::F16 | Type::BF16 => {
                let digits = *self.pick(&["1", "0", "0.5", "2.5", "3", "1e-3", "100", "0.1", "1e10", "1e-30"]);
                let literal = format!("{digits}{ty}");
                if self.chance(60) { format!("(-{literal})") } else { literal }
            }
            Type::I8 | Type::I16 | Type::I32 | Type::I64 | Type::U8 | Type::U16 | Type::U32 | Type::U64 => {
                let value = *self.pick(&[1, 0, 2, 3, 7, 10, 100, 127]);
                let negative = ty.is_signed() && self.chance(60);
                if negative { format!("(-{value}{ty})") } else { format!("{value}{ty}") }
            }
        }
    }

    fn two(&mut self, ty: Type, depth: usize) -> (Made, Made) {
        (self.expr(ty, depth - 1), self.expr(ty, depth - 1))
    }

    fn infix(&mut self, ty: Type, depth: usize, op: &str) -> Made {
        let (a, b) = self.two(ty, depth);
        Made { text: format!("({} {op} {})", a.text, b.text), rank: a.rank.max(b.rank) }
    }

    fn called(&mut self, name: &str, ty: Type, depth: usize) -> Made {
        let (a, b) = self.two(ty, depth);
        Made { text: format!("{name}({}, {})", a.text, b.text), rank: a.rank.max(b.rank) }
    }

    fn choice(&mut self, ty: Type, depth: usize) -> Made {
        let cond = self.expr(Type::Bool, depth - 1);
        let (a, b) = self.two(ty, depth);
        let rank = cond.rank.max(a.rank).max(b.rank);
        let text = match self.byte() % 2 {
            0 => format!("where({}, {}, {})", cond.text, a.text, b.text),
            _ => format!("(if {} then {} else {})", cond.text, a.text, b.text),
        };
        Made { text, rank }
    }

    fn cast(&mut self, ty: Type, depth: usize) -> Made {
        let from = self.any_type();
        let value = self.expr(from, depth - 1);
        Made { text: format!("{ty}({})", value.text), rank: value.rank }
    }

    /// A reduction over everything, or along an axis, brought to the type.
    fn reduction(&mut self, ty: Type, depth: usize) -> Made {
        let from = if ty == Type::Bool { Type::Bool } else { self.number_type() };
        let value = self.expr(from, depth - 1);
        let names: &[&str] = if ty == Type::Bool { &["any", "all"] } else { &["sum", "max", "min", "prod", "mean"] };
        let name = *self.pick(names);
        let (axis, rank) = match (value.rank, self.byte() % 4) {
            (0, _) | (_, 0) => ("", 0),
            (rank, 1) => (", axis=0", rank - 1),
            (rank, 2) => (", axis=-1, keepdims=true", rank),
            (rank, _) => (", keepdims=true", rank),
        };
        // A sum over the first axis has the extent of the last one, so that it broadcasts; others keep their axes.
        let text = format!("{name}({}{axis})", value.text);
        Made { text: if ty == Type::Bool { text } else { format!("{ty}({text})") }, rank }
    }

    fn mapped(&mut self, ty: Type, depth: usize) -> Made {
        let Some(helper) = self.helper else { return self.leaf(ty) };
        let (a, b) = (self.expr(helper.params[0], depth - 1), self.expr(helper.params[1], depth - 1));
        let rank = a.rank.max(b.rank);
        let call = format!("helper({}, {})", a.text, b.text);
        Made { text: if ty == helper.result { call } else { format!("{ty}({call})") }, rank }
    }

    fn condition(&mut self, depth: usize) -> Made {
        let ty = self.number_type();
        match self.byte() % 9 {
            0 => self.infix(Type::Bool, depth, "and"),
            1 => self.infix(Type::Bool, depth, "or"),
            2 => self.infix(Type::Bool, depth, "^"),
            3 => {
                let value = self.expr(Type::Bool, depth - 1);
                Made { text: format!("(not {})", value.text), rank: value.rank }
            }
            4 => self.infix(ty, depth, "<="),
            5 => self.infix(ty, depth, "=="),
            6 => self.infix(ty, depth, ">"),
            7 => self.infix(ty, depth, "!="),
            _ => self.infix(ty, depth, "<"),
        }
    }

    fn float(&mut self, ty: Type, depth: usize) -> Made {
        match self.byte() % 12 {
            0 | 1 => self.infix(ty, depth, "+"),
            2 => self.infix(ty, depth, "-"),
            3 | 4 => self.infix(ty, depth, "*"),
            5 => self.infix(ty, depth, "/"),
            6 => self.infix(ty, depth, "%"),
            7 => self.called("min", ty, depth),
            8 => self.called("max", ty, depth),
            9 => {
                let (a, b) = self.two(ty, depth);
                let c = self.expr(ty, depth - 1);
                let rank = a.rank.max(b.rank).max(c.rank);
                Made { text: format!("fma({}, {}, {})", a.text, b.text, c.text), rank }
            }
            10 => {
                let value = self.expr(ty, depth - 1);
                Made { text: format!("(-{})", value.text), rank: value.rank }
            }
            _ => {
                let name = *self.pick(FLOAT_FUNCTIONS);
                let value = self.expr(ty, depth - 1);
                Made { text: format!("{name}({})", value.text), rank: value.rank }
            }
        }
    }

    fn whole(&mut self, ty: Type, depth: usize) -> Made {
        match self.byte() % 16 {
            0 | 1 => self.infix(ty, depth, "+"),
            2 => self.infix(ty, depth, "-"),
            3 | 4 => self.infix(ty, depth, "*"),
            5 => self.infix(ty, depth, "&"),
            6 => self.infix(ty, depth, "|"),
            7 => self.infix(ty, depth, "^"),
            8 => self.infix(ty, depth, "<<"),
            9 => self.infix(ty, depth, ">>"),
            10 => self.called("min", ty, depth),
            11 => self.called("max", ty, depth),
            12 | 13 => self.division(ty, depth),
            14 => self.element(ty),
            _ => {
                let value = self.expr(ty, depth - 1);
                let op = *self.pick(&["~", "-"]);
                Made { text: format!("({op}{})", value.text), rank: value.rank }
            }
        }
    }

    /// A division that may fault, or one that is guarded.
    fn division(&mut self, ty: Type, depth: usize) -> Made {
        let op = *self.pick(&["//", "%"]);
        let (a, b) = self.two(ty, depth);
        let rank = a.rank.max(b.rank);
        let text = match self.byte() % 3 {
            0 => format!("({} {op} max({}, 1{ty}))", a.text, b.text),
            1 => format!("where({b} != 0{ty}, {} {op} {b}, 5{ty})", a.text, b = b.text),
            _ => format!("({} {op} {})", a.text, b.text),
        };
        Made { text, rank }
    }

    /// One element of an array, with an index that may be outside.
    fn element(&mut self, ty: Type) -> Made {
        let arrays: Vec<Var> = self.vars.iter().filter(|var| var.rank == 1 && var.ty == ty).cloned().collect();
        if arrays.is_empty() {
            return Made { text: self.literal(ty), rank: 0 };
        }
        let var = self.pick(&arrays).clone();
        let index = *self.pick(&["0", "-1", "1", "-2", "3", "40"]);
        Made { text: format!("{}[{index}]", var.name), rank: 0 }
    }
}

fn param_text(input: &Input) -> String {
    if !input.mutable {
        return input.name.clone();
    }
    let axes = vec![":"; input.data.shape.len()].join(", ");
    format!("{}: mut {}[{axes}]", input.name, input.data.ty)
}

/// Elements: edges of the type among small and random ones.
fn elements(ty: Type, shape: &[usize], seed: u64) -> Data {
    let mut random = Random::new(seed);
    let count: usize = shape.iter().product();
    let bits = (0..count).map(|_| one(ty, &mut random).into()).collect();
    Data { ty, shape: shape.to_vec(), bits }
}

fn one(ty: Type, random: &mut Random) -> u64 {
    let small = random.below(21) as i64 - 10;
    match (random.below(8), ty.is_float()) {
        (0, true) => edge(ty, random.below(8)),
        (1, true) => data::number(&format!("{small}e-2"), ty).unwrap_or(Scalar::new(ty, 0)).bits,
        (0, false) => match ty {
            Type::Bool => random.bits() & 1,
            _ => Scalar::new(ty, random.bits()).bits,
        },
        (1, false) => data::small(if random.below(2) == 0 { 0 } else { -1 }, ty),
        (_, _) => data::small(small, ty),
    }
}

fn edge(ty: Type, which: usize) -> u64 {
    let value = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -0.0, 1e-310, 1e300, 5e-324, -1e-40][which];
    if ty == Type::F32 { Scalar::f32(value as f32).bits } else { Scalar::f64(value).bits }
}
