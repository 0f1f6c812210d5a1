//! Matrix products: a workgroup makes one square tile of a result from strips of the operands in shared memory.
//!
//! Every element is a sum in ascending order, so its bits depend neither on the tiles nor on how a dispatch is cut. They
//! are not those of the CPU targets, whose library adds in an order of its own. Long sums are cut: a later part goes on
//! from what the one before has left in the result.

use super::code::{Code, Expr};
use super::entry::{add_entry, builtins};
use super::lane::param;
use super::params::{self, ParamLayout};
use super::{Buffer, Globals, Shader, Spread, WORKGROUP, types};
use hotloop_ir::{ArrayId, Axis, AxisKind, Lane, MatMul, Nest, Program, Schedule, Type, ViewId};
use naga::{AddressSpace, Barrier, BinaryOperator as Binary, Expression, MathFunction, Module, Statement};

/// Rows and columns of a tile.
pub(crate) const TILE: u32 = 64;
/// Invocations along a side of a workgroup; each makes `EACH` times `EACH` elements, so many apart.
const SIDE: u32 = 16;
const EACH: u32 = TILE / SIDE;
/// Elements between two columns of the left operand in shared memory, so that they fall on different banks.
const PITCH: u32 = TILE + 1;
const _: () = assert!(SIDE * SIDE == WORKGROUP);

/// How many terms are brought to shared memory at a time, so that both strips stay under the least size it has.
fn depth(ty: Type) -> u32 {
    64 / ty.bytes() as u32
}

/// The domain of a product as a nest without code: axes of matrices, rows, columns, and the summed one; the views of the
/// result and of both operands.
pub(crate) fn domain(product: &MatMul) -> Nest {
    let summed = product.axes.len() - 1;
    let axes = product.axes.iter().enumerate().map(|(axis, extent)| {
        let kind = if axis == summed { AxisKind::Ordered } else { AxisKind::Parallel };
        Axis { kind, extent: *extent }
    });
    Nest {
        axes: axes.collect(),
        views: product.views().map(Clone::clone).into(),
        folds: Vec::new(),
        lane: Lane::default(),
        schedule: Schedule::default(),
        span: product.span,
    }
}

/// The shader of a product, whose domain `nest` is.
pub(crate) fn product(program: &Program, nest: &Nest) -> Shader {
    let layout = ParamLayout::of(program, nest);
    let mut module = Module::default();
    let globals = Globals::new(&mut module);
    let (main, buffers) = Tiles::new(program, nest, &layout, globals).finish();
    add_entry(&mut module, main, WORKGROUP);
    let spread = Spread::Blocks(WORKGROUP);
    Shader { module, buffers, params: layout, spread, checked: false, sets: Vec::new() }
}

/// One of the three matrices.
struct Matrix {
    /// The buffer.
    array: Expr,
    /// The element at the corner of the matrix.
    base: Expr,
    /// The view, for its steps.
    view: ViewId,
}

/// The entry function under construction.
struct Tiles<'a, 'm> {
    nest: &'a Nest,
    layout: &'a ParamLayout,
    globals: Globals<'m>,
    code: Code,
    ty: Type,
    element: naga::Handle<naga::Type>,
    u32_type: naga::Handle<naga::Type>,
    arrays: [Expr; 3],
    /// The strips of both operands.
    shared: [Expr; 2],
    /// The sums of an invocation, row by row.
    sums: Vec<Expr>,
    place: Expr,
    group: Expr,
    groups: Expr,
}

impl<'a, 'm> Tiles<'a, 'm> {
    fn new(program: &Program, nest: &'a Nest, layout: &'a ParamLayout, mut globals: Globals<'m>) -> Tiles<'a, 'm> {
        let array_of = |view: usize| nest.views[view].array;
        let ty = program.array(array_of(0)).ty;
        let u32_type = types::scalar_type(globals.module, naga::Scalar::U32);
        let element = types::scalar_type(globals.module, types::memory(ty));
        let mut code = Code::new("main");
        let [place, started, groups] = builtins(&mut code, &mut globals, u32_type);
        let first = param(&mut code, &mut globals, params::FIRST_GROUP);
        let group = code.binary(Binary::Add, started, first);
        let mut bind = |array: ArrayId, written: bool| {
            let variable = globals.buffer(Buffer::Array(array), element, written);
            code.constant(Expression::GlobalVariable(variable))
        };
        let arrays = [bind(array_of(0), true), bind(array_of(1), false), bind(array_of(2), false)];
        let mut share = |name: &str, length: u32| {
            let strip = types::array_type(globals.module, element, Some(length));
            let variable = globals.variable(name, AddressSpace::WorkGroup, strip);
            code.constant(Expression::GlobalVariable(variable))
        };
        let shared = [share("left", depth(ty) * PITCH), share("right", depth(ty) * TILE)];
        let sums = (0..EACH * EACH).map(|sum| code.local(&format!("sum_{sum}"), element)).collect();
        Tiles { nest, layout, globals, code, ty, element, u32_type, arrays, shared, sums, place, group, groups }
    }

    fn finish(mut self) -> (naga::Function, Vec<(Buffer, bool)>) {
        let pieces = self.param(params::COUNT);
        let (group, groups) = (self.group, self.groups);
        self.count(group, pieces, groups, Tiles::tile);
        (self.code.finish(), self.globals.bound())
    }

    fn param(&mut self, word: usize) -> Expr {
        param(&mut self.code, &mut self.globals, word)
    }

    /// The extent of an axis, counted from the end: 3 are the rows, 2 the columns.
    fn extent(&mut self, from_end: usize) -> Expr {
        self.param(self.layout.axis(self.nest.axes.len() - from_end))
    }

    fn binary(&mut self, op: Binary, left: Expr, right: Expr) -> Expr {
        self.code.binary(op, left, right)
    }

    /// A counting loop whose body needs the whole function.
    fn count(&mut self, from: Expr, to: Expr, by: Expr, body: impl FnOnce(&mut Self, Expr)) {
        let variable = self.code.local("i", self.u32_type);
        self.code.store(variable, from);
        self.code.open();
        let index = self.code.load(variable);
        let done = self.binary(Binary::GreaterEqual, index, to);
        self.code.when(done, |code| code.push(Statement::Break));
        body(self, index);
        let block = self.code.close();
        self.code.open();
        let next = self.binary(Binary::Add, index, by);
        self.code.store(variable, next);
        let wrapped = self.binary(Binary::Less, next, index);
        let continuing = self.code.close();
        self.code.push(Statement::Loop { body: block, continuing, break_if: Some(wrapped) });
    }

    /// One tile: tiles are numbered by matrix, then by rows, then by columns.
    fn tile(&mut self, piece: Expr) {
        let (rows, columns) = (self.extent(3), self.extent(2));
        let [tile, most, side] = [TILE, TILE - 1, SIDE].map(|value| self.code.u32(value));
        let [down, right] = [rows, columns].map(|extent| {
            let up = self.code.binary(Binary::Add, extent, most);
            self.code.binary(Binary::Divide, up, tile)
        });
        let at_right = self.binary(Binary::Modulo, piece, right);
        let rest = self.binary(Binary::Divide, piece, right);
        let at_down = self.binary(Binary::Modulo, rest, down);
        let matrix = self.binary(Binary::Divide, rest, down);
        let corner = [at_down, at_right].map(|at| self.code.binary(Binary::Multiply, at, tile));
        let [c, a, b] = self.matrices(matrix);
        let place = self.place;
        let own = [self.binary(Binary::Divide, place, side), self.binary(Binary::Modulo, place, side)];
        self.begin(&c, corner, own, [rows, columns]);
        let (from, to) = (self.param(params::ORDERED), self.param(params::REDUCED));
        let step = self.code.u32(depth(self.ty));
        self.count(from, to, step, |tiles, start| {
            tiles.strip(&a, 0, [corner[0], rows], [start, to]);
            tiles.strip(&b, 1, [corner[1], columns], [start, to]);
            tiles.code.push(Statement::ControlBarrier(Barrier::WORK_GROUP));
            tiles.terms(own);
            // The strips are free again only when all invocations have read them.
            tiles.code.push(Statement::ControlBarrier(Barrier::WORK_GROUP));
        });
        self.each(&c, corner, own, [rows, columns], |code, pointer, sum| {
            let value = code.load(sum);
            code.store(pointer, value);
        });
    }

    /// The result and the operands of the matrix with a number.
    fn matrices(&mut self, number: Expr) -> [Matrix; 3] {
        let matrices = self.nest.axes.len() - 3;
        let mut coords = Vec::with_capacity(matrices);
        let mut rest = number;
        for axis in (0..matrices).rev() {
            let extent = self.param(self.layout.axis(axis));
            coords.push((axis, self.code.binary(Binary::Modulo, rest, extent)));
            rest = self.binary(Binary::Divide, rest, extent);
        }
        [0, 1, 2].map(|which| {
            let view = ViewId(which);
            let mut base = self.param(self.layout.view(view));
            for (axis, coord) in &coords {
                base = self.moved(base, view, *axis, *coord);
            }
            Matrix { array: self.arrays[which as usize], base, view }
        })
    }

    /// An index, moved so far along an axis.
    fn moved(&mut self, index: Expr, view: ViewId, axis: usize, by: Expr) -> Expr {
        let step = self.param(self.layout.view(view) + 1 + axis);
        let offset = self.binary(Binary::Multiply, step, by);
        self.binary(Binary::Add, index, offset)
    }

    /// What the sums begin with: 0, or what the part before has left.
    fn begin(&mut self, c: &Matrix, corner: [Expr; 2], own: [Expr; 2], extents: [Expr; 2]) {
        let nothing = self.code.scalar(hotloop_ir::Scalar::new(self.ty, 0));
        for sum in self.sums.clone() {
            self.code.store(sum, nothing);
        }
        let (from, zero) = (self.param(params::ORDERED), self.code.u32(0));
        let goes_on = self.binary(Binary::NotEqual, from, zero);
        self.code.open();
        self.each(c, corner, own, extents, |code, pointer, sum| {
            let value = code.load(pointer);
            code.store(sum, value);
        });
        let accept = self.code.close();
        self.code.push(Statement::If { condition: goes_on, accept, reject: naga::Block::new() });
    }

    /// Runs `visit` for each element of the result that this invocation makes and that exists, with its sum.
    fn each(
        &mut self,
        c: &Matrix,
        corner: [Expr; 2],
        own: [Expr; 2],
        extents: [Expr; 2],
        mut visit: impl FnMut(&mut Code, Expr, Expr),
    ) {
        let axes = self.nest.axes.len();
        for (number, sum) in self.sums.clone().into_iter().enumerate() {
            let number = number as u32;
            let at: [Expr; 2] = [(0, number / EACH), (1, number % EACH)].map(|(axis, nth)| {
                let apart = self.code.u32(nth * SIDE);
                let at = self.code.binary(Binary::Add, corner[axis], own[axis]);
                self.code.binary(Binary::Add, at, apart)
            });
            let inside = [0, 1].map(|axis| self.code.binary(Binary::Less, at[axis], extents[axis]));
            let inside = self.binary(Binary::LogicalAnd, inside[0], inside[1]);
            let index = self.moved(c.base, c.view, axes - 3, at[0]);
            let index = self.moved(index, c.view, axes - 2, at[1]);
            self.code.open();
            let pointer = self.code.element(c.array, index);
            visit(&mut self.code, pointer, sum);
            let accept = self.code.close();
            self.code.push(Statement::If { condition: inside, accept, reject: naga::Block::new() });
        }
    }

    /// Brings a strip of an operand to shared memory, term by term `TILE` rows of the left or columns of the right one;
    /// zeros where there is nothing.
    fn strip(&mut self, from: &Matrix, which: usize, [corner, extent]: [Expr; 2], [start, end]: [Expr; 2]) {
        let (terms, axes) = (depth(self.ty), self.nest.axes.len());
        // Neighbors read what lies side by side where a matrix lies by rows.
        let (inner, pitch, axis) = if which == 0 { (terms, PITCH, axes - 3) } else { (TILE, TILE, axes - 2) };
        let nothing = self.code.scalar(hotloop_ir::Scalar::new(self.ty, 0));
        let value = self.code.local("element", self.element);
        let [inner, pitch] = [inner, pitch].map(|value| self.code.u32(value));
        for turn in 0..TILE * terms / WORKGROUP {
            let apart = self.code.u32(turn * WORKGROUP);
            let at = self.binary(Binary::Add, self.place, apart);
            let (low, high) = (self.binary(Binary::Modulo, at, inner), self.binary(Binary::Divide, at, inner));
            let (term, line) = if which == 0 { (low, high) } else { (high, low) };
            let at_term = self.binary(Binary::Add, start, term);
            let at_line = self.binary(Binary::Add, corner, line);
            let inside = [(at_term, end), (at_line, extent)].map(|(at, end)| self.code.binary(Binary::Less, at, end));
            let inside = self.binary(Binary::LogicalAnd, inside[0], inside[1]);
            let index = self.moved(from.base, from.view, axis, at_line);
            let index = self.moved(index, from.view, axes - 1, at_term);
            self.code.store(value, nothing);
            let (array, shared) = (from.array, self.shared[which]);
            self.code.when(inside, |code| {
                let pointer = code.element(array, index);
                let element = code.load(pointer);
                code.store(value, element);
            });
            let row = self.binary(Binary::Multiply, term, pitch);
            let to = self.binary(Binary::Add, row, line);
            let pointer = self.code.element(shared, to);
            let element = self.code.load(value);
            self.code.store(pointer, element);
        }
    }

    /// Adds the terms of both strips to the sums of this invocation.
    fn terms(&mut self, own: [Expr; 2]) {
        let [zero, one, terms] = [0, 1, depth(self.ty)].map(|value| self.code.u32(value));
        self.count(zero, terms, one, |tiles, term| {
            let operand = |tiles: &mut Tiles<'_, '_>, which: usize, pitch: u32| -> Vec<Expr> {
                let pitch = tiles.code.u32(pitch);
                let row = tiles.binary(Binary::Multiply, term, pitch);
                let first = tiles.binary(Binary::Add, row, own[which]);
                let elements = (0..EACH).map(|nth| {
                    let apart = tiles.code.u32(nth * SIDE);
                    let at = tiles.code.binary(Binary::Add, first, apart);
                    let pointer = tiles.code.element(tiles.shared[which], at);
                    tiles.code.load(pointer)
                });
                elements.collect()
            };
            let (left, right) = (operand(tiles, 0, PITCH), operand(tiles, 1, TILE));
            for (number, sum) in tiles.sums.clone().into_iter().enumerate() {
                let (row, column) = (number / EACH as usize, number % EACH as usize);
                let present = tiles.code.load(sum);
                // How often it rounds does not matter: the bound holds for both.
                let next = tiles.code.emit(Expression::Math {
                    fun: MathFunction::Fma,
                    arg: left[row],
                    arg1: Some(right[column]),
                    arg2: Some(present),
                    arg3: None,
                });
                tiles.code.store(sum, next);
            }
        });
    }
}
