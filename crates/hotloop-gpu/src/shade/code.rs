//! A shader function under construction: expressions are emitted as they are made, blocks are opened and closed.
//!
//! Knows naga's rules of emission and nothing of lanes. Everything that writes shader code goes through here.

use hotloop_ir::{Scalar, Type};
use naga::{
    BinaryOperator, Block, Expression, Function, Handle, Literal, LocalVariable, MathFunction, ScalarKind, Span,
    Statement, UnaryOperator,
};

/// An expression of the function.
pub(crate) type Expr = Handle<Expression>;

/// A function under construction.
pub(crate) struct Code {
    /// The function so far; its body is set by `finish`.
    pub(crate) function: Function,
    /// Whether the device's `fma` rounds once; where it does not, it is computed from other operations.
    pub(crate) fused: bool,
    blocks: Vec<Block>,
}

impl Code {
    /// A function without code.
    pub(crate) fn new(name: &str) -> Code {
        let function = Function { name: Some(name.to_owned()), ..Function::default() };
        Code { function, fused: true, blocks: vec![Block::new()] }
    }

    /// The finished function.
    pub(crate) fn finish(mut self) -> Function {
        self.function.body = self.blocks.pop().unwrap_or_default();
        self.function
    }

    /// Adds a statement.
    pub(crate) fn push(&mut self, statement: Statement) {
        if let Some(block) = self.blocks.last_mut() {
            block.push(statement, Span::UNDEFINED);
        }
    }

    /// Opens a block; statements go there until it is closed.
    pub(crate) fn open(&mut self) {
        self.blocks.push(Block::new());
    }

    /// Closes the open block.
    pub(crate) fn close(&mut self) -> Block {
        self.blocks.pop().unwrap_or_default()
    }

    /// An expression that is known everywhere and needs no emission.
    pub(crate) fn constant(&mut self, expression: Expression) -> Expr {
        self.function.expressions.append(expression, Span::UNDEFINED)
    }

    /// An expression, computed here.
    pub(crate) fn emit(&mut self, expression: Expression) -> Expr {
        let handle = self.function.expressions.append(expression, Span::UNDEFINED);
        self.push(Statement::Emit(naga::Range::new_from_bounds(handle, handle)));
        handle
    }

    /// A literal.
    pub(crate) fn literal(&mut self, literal: Literal) -> Expr {
        self.constant(Expression::Literal(literal))
    }

    /// A `u32` literal.
    pub(crate) fn u32(&mut self, value: u32) -> Expr {
        self.literal(Literal::U32(value))
    }

    /// A scalar of the program, in the type registers hold it in.
    pub(crate) fn scalar(&mut self, value: Scalar) -> Expr {
        match value.ty {
            Type::Bool => self.literal(Literal::Bool(value.is_true())),
            Type::I8 | Type::I16 | Type::I32 => self.literal(Literal::I32(value.as_i64() as i32)),
            Type::U8 | Type::U16 | Type::U32 | Type::F16 | Type::BF16 => self.u32(value.bits as u32),
            Type::I64 => self.literal(Literal::I64(value.as_i64())),
            Type::U64 => self.literal(Literal::U64(value.bits)),
            // Infinities and NaNs are no literals.
            Type::C64 | Type::C128 => unreachable!("programs have no complex types"),
            Type::F32 if f32::from_bits(value.bits as u32).is_finite() => {
                self.literal(Literal::F32(f32::from_bits(value.bits as u32)))
            }
            Type::F32 => {
                let bits = self.u32(value.bits as u32);
                self.bitcast(bits, ScalarKind::Float)
            }
            Type::F64 if f64::from_bits(value.bits).is_finite() => {
                self.literal(Literal::F64(f64::from_bits(value.bits)))
            }
            Type::F64 => {
                let bits = self.literal(Literal::U64(value.bits));
                self.bitcast(bits, ScalarKind::Float)
            }
        }
    }

    /// Two operands.
    pub(crate) fn binary(&mut self, op: BinaryOperator, left: Expr, right: Expr) -> Expr {
        self.emit(Expression::Binary { op, left, right })
    }

    /// One operand.
    pub(crate) fn unary(&mut self, op: UnaryOperator, expr: Expr) -> Expr {
        self.emit(Expression::Unary { op, expr })
    }

    /// One of two values.
    pub(crate) fn select(&mut self, condition: Expr, accept: Expr, reject: Expr) -> Expr {
        self.emit(Expression::Select { condition, accept, reject })
    }

    /// The same bits as another kind of the same width.
    pub(crate) fn bitcast(&mut self, expr: Expr, kind: ScalarKind) -> Expr {
        self.emit(Expression::As { expr, kind, convert: None })
    }

    /// A conversion of value.
    pub(crate) fn convert(&mut self, expr: Expr, kind: ScalarKind, width: u8) -> Expr {
        self.emit(Expression::As { expr, kind, convert: Some(width) })
    }

    /// A built-in function of one operand.
    pub(crate) fn math(&mut self, fun: MathFunction, arg: Expr) -> Expr {
        self.emit(Expression::Math { fun, arg, arg1: None, arg2: None, arg3: None })
    }

    /// A new variable of the function.
    pub(crate) fn local(&mut self, name: &str, ty: Handle<naga::Type>) -> Expr {
        let variable = LocalVariable { name: Some(name.to_owned()), ty, init: None };
        let handle = self.function.local_variables.append(variable, Span::UNDEFINED);
        self.constant(Expression::LocalVariable(handle))
    }

    /// What a pointer points to.
    pub(crate) fn load(&mut self, pointer: Expr) -> Expr {
        self.emit(Expression::Load { pointer })
    }

    /// Writes through a pointer.
    pub(crate) fn store(&mut self, pointer: Expr, value: Expr) {
        self.push(Statement::Store { pointer, value });
    }

    /// A pointer to an element of an array behind a pointer.
    pub(crate) fn element(&mut self, base: Expr, index: Expr) -> Expr {
        self.emit(Expression::Access { base, index })
    }

    /// Runs what `then` writes where the condition holds.
    pub(crate) fn when(&mut self, condition: Expr, then: impl FnOnce(&mut Code)) {
        self.open();
        then(self);
        let accept = self.close();
        self.push(Statement::If { condition, accept, reject: Block::new() });
    }

    /// `for (var i = from; i < to; i += by)`, all `u32`; `ty` is the type `u32`.
    pub(crate) fn count(
        &mut self,
        ty: Handle<naga::Type>,
        from: Expr,
        to: Expr,
        by: Expr,
        body: impl FnOnce(&mut Code, Expr),
    ) {
        let variable = self.local("i", ty);
        self.store(variable, from);
        self.open();
        let index = self.load(variable);
        let done = self.binary(BinaryOperator::GreaterEqual, index, to);
        self.when(done, |code| code.push(Statement::Break));
        body(self, index);
        let body = self.close();
        self.open();
        let next = self.binary(BinaryOperator::Add, index, by);
        self.store(variable, next);
        // Counting wraps around only past 2^32 - by; then the loop has ended.
        let wrapped = self.binary(BinaryOperator::Less, next, index);
        let continuing = self.close();
        self.push(Statement::Loop { body, continuing, break_if: Some(wrapped) });
    }
}
