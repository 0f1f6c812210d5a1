//! Expressions: operators by precedence, and what they are made of.
//!
//! Calls, indexing and fields are in `postfix`.

use std::sync::Arc;

use hotloop_source::Span;

use super::{Parse, Parser};
use crate::ast::{BinaryOp, Block, CompareLink, CompareOp, Expr, ExprKind, If, IfArm, UnaryOp};
use crate::errors;
use crate::number;
use crate::ops::level;
use crate::token::Token;

/// The operator that a token stands for between two operands.
pub(crate) const fn binary_op(token: Token) -> Option<BinaryOp> {
    Some(match token {
        Token::Or | Token::OrSign => BinaryOp::Or,
        Token::And | Token::AndSign => BinaryOp::And,
        Token::Bar => BinaryOp::BitOr,
        Token::Caret => BinaryOp::BitXor,
        Token::Amp => BinaryOp::BitAnd,
        Token::Shl => BinaryOp::Shl,
        Token::Shr => BinaryOp::Shr,
        Token::Plus => BinaryOp::Add,
        Token::Minus => BinaryOp::Sub,
        Token::Star => BinaryOp::Mul,
        Token::Slash => BinaryOp::Div,
        Token::FloorDiv => BinaryOp::FloorDiv,
        Token::Percent => BinaryOp::Mod,
        Token::At => BinaryOp::MatMul,
        Token::Pow => BinaryOp::Pow,
        _ => return None,
    })
}

/// The comparison that a token stands for.
pub(crate) const fn compare_op(token: Token) -> Option<CompareOp> {
    Some(match token {
        Token::Lt => CompareOp::Lt,
        Token::Le => CompareOp::Le,
        Token::Gt => CompareOp::Gt,
        Token::Ge => CompareOp::Ge,
        Token::EqEq => CompareOp::Eq,
        Token::Ne => CompareOp::Ne,
        _ => return None,
    })
}

const fn unary_op(token: Token) -> Option<UnaryOp> {
    Some(match token {
        Token::Not | Token::Bang => UnaryOp::Not,
        Token::Minus => UnaryOp::Neg,
        Token::Plus => UnaryOp::Plus,
        Token::Tilde => UnaryOp::BitNot,
        _ => return None,
    })
}

impl Parser<'_> {
    /// A whole expression.
    pub(super) fn expr(&mut self) -> Parse<Expr> {
        self.binary(level::OR)
    }

    /// An expression of operators that bind at least as tightly as `min`.
    fn binary(&mut self, min: u8) -> Parse<Expr> {
        self.within(|parser| {
            let start = parser.span();
            let mut left = parser.prefix(min)?;
            loop {
                let token = parser.peek();
                left = if compare_op(token).is_some_and(|op| op.level() >= min) {
                    parser.comparison(left, start)?
                } else if let Some(op) = binary_op(token).filter(|op| op.level() >= min) {
                    parser.operation(op, left, start)?
                } else {
                    return Ok(left);
                };
            }
        })
    }

    /// The operator after `left` and its right side.
    fn operation(&mut self, op: BinaryOp, left: Expr, start: Span) -> Parse<Expr> {
        let op_span = self.bump().span;
        // The right side of `**` may have a sign and takes further powers to itself.
        let right = self.binary(if op == BinaryOp::Pow { level::SIGN } else { op.level() + 1 })?;
        let span = self.span_from(start);
        self.grow(span)?;
        let (left, right) = (Box::new(left), Box::new(right));
        Ok(Expr::new(ExprKind::Binary { op, op_span, left, right }, span))
    }

    /// A chain of comparisons after its first operand.
    fn comparison(&mut self, first: Expr, start: Span) -> Parse<Expr> {
        let mut rest = Vec::new();
        while let Some(op) = compare_op(self.peek()) {
            let op_span = self.bump().span;
            let operand = self.binary(level::COMPARE + 1)?;
            rest.push(CompareLink { op, op_span, operand });
        }
        let span = self.span_from(start);
        self.grow(span)?;
        Ok(Expr::new(ExprKind::Compare { first: Box::new(first), rest }, span))
    }

    fn prefix(&mut self, min: u8) -> Parse<Expr> {
        let Some(op) = unary_op(self.peek()) else {
            return self.postfix();
        };
        let op_span = self.bump().span;
        if op.level() < min && op == UnaryOp::Not {
            let text = self.text(op_span);
            return Err(self.report(errors::not_needs_parentheses(op_span, text)));
        }
        let operand = Box::new(self.binary(op.level())?);
        let span = self.span_from(op_span);
        self.grow(span)?;
        Ok(Expr::new(ExprKind::Unary { op, operand }, span))
    }

    /// An expression that no operator takes apart, without what may follow it.
    pub(super) fn primary(&mut self) -> Parse<Expr> {
        let span = self.span();
        match self.peek() {
            Token::Number => self.number(),
            Token::Name => {
                if let Some(stop) = self.foreign_before_operand() {
                    return Err(stop);
                }
                self.bump();
                self.leaf(span)?;
                Ok(Expr::new(ExprKind::Name(Arc::from(self.text(span))), span))
            }
            Token::OpenParen => self.parentheses(),
            Token::OpenBracket => {
                self.bump();
                let elements = self.list(Token::CloseBracket, Parser::expr)?;
                let span = self.span_from(span);
                self.grow(span)?;
                Ok(Expr::new(ExprKind::List(elements), span))
            }
            Token::If => self.if_expr(),
            Token::Text => Err(self.report(errors::string_outside(span))),
            _ => Err(self.unexpected_in_expr()),
        }
    }

    /// A word of another language is only reported where it cannot be a name: before something it does not fit.
    fn foreign_before_operand(&mut self) -> Option<super::Stop> {
        if matches!(self.peek_second(), Token::Name | Token::Number) {
            return self.foreign_word();
        }
        None
    }

    fn number(&mut self) -> Parse<Expr> {
        let span = self.bump().span;
        let text = self.text(span);
        match number::parse(text, span) {
            Ok(_) if self.peek() == Token::OpenParen => Err(self.report(errors::number_called(span, text))),
            Ok(kind) => {
                self.leaf(span)?;
                Ok(Expr::new(kind, span))
            }
            Err(diag) => Err(self.report(diag)),
        }
    }

    /// `(a)`, or a tuple.
    fn parentheses(&mut self) -> Parse<Expr> {
        let start = self.bump().span;
        let mut elements = Vec::new();
        let mut comma = false;
        while self.peek() != Token::CloseParen {
            elements.push(self.expr()?);
            comma = self.eat(Token::Comma);
            if !comma && self.peek() != Token::CloseParen {
                return Err(self.unexpected_after_expr("`,` or `)`"));
            }
        }
        self.bump();
        match elements.pop() {
            Some(only) if elements.is_empty() && !comma => Ok(only),
            last => {
                elements.extend(last);
                let span = self.span_from(start);
                self.grow(span)?;
                Ok(Expr::new(ExprKind::Tuple(elements), span))
            }
        }
    }

    fn if_expr(&mut self) -> Parse<Expr> {
        let start = self.span();
        let inner = self.within(Parser::if_chain)?;
        self.grow(start)?;
        let span = inner.span;
        Ok(Expr::new(ExprKind::If(Box::new(inner)), span))
    }

    /// `if` with all its arms. Later phases may nest the arms, so each one counts as a level.
    fn if_chain(&mut self) -> Parse<If> {
        let start = self.span();
        let mut arms = Vec::new();
        let mut then = false;
        let mut otherwise = None;
        while self.eat(Token::If) {
            arms.push(self.if_arm(&mut then)?);
            self.grow(start)?;
            if self.eat(Token::Else) {
                match self.peek() {
                    Token::If => continue,
                    Token::OpenBrace => otherwise = Some(self.block()?),
                    _ if then => otherwise = Some(Block::of(self.expr()?)),
                    _ => return Err(self.unexpected_after_expr("`{` or `if`")),
                }
            } else if then {
                let (span, found) = (self.span(), self.found());
                return Err(self.report(errors::missing_else(span, &found)));
            }
            break;
        }
        Ok(If { arms, otherwise, span: self.span_from(start) })
    }

    fn if_arm(&mut self, then: &mut bool) -> Parse<IfArm> {
        let cond = self.expr()?;
        *then = self.eat(Token::Then);
        let body = if *then {
            Block::of(self.expr()?)
        } else if self.peek() == Token::OpenBrace {
            self.block()?
        } else {
            return Err(self.unexpected_after_expr("`{` or `then`"));
        };
        Ok(IfArm { cond, body })
    }
}
