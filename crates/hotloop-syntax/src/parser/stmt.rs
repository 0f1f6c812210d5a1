//! Blocks and statements.

use hotloop_source::Span;

use super::{Parse, Parser};
use crate::ast::{BinaryOp, Block, Expr, ExprKind, If, Name, Pattern, Place, Stmt, StmtKind};
use crate::errors;
use crate::token::Token;

/// The operator of a compound assignment.
pub(crate) const fn assign_op(token: Token) -> Option<BinaryOp> {
    Some(match token {
        Token::PlusEq => BinaryOp::Add,
        Token::MinusEq => BinaryOp::Sub,
        Token::StarEq => BinaryOp::Mul,
        Token::SlashEq => BinaryOp::Div,
        Token::FloorDivEq => BinaryOp::FloorDiv,
        Token::PercentEq => BinaryOp::Mod,
        Token::PowEq => BinaryOp::Pow,
        Token::AmpEq => BinaryOp::BitAnd,
        Token::BarEq => BinaryOp::BitOr,
        Token::CaretEq => BinaryOp::BitXor,
        Token::ShlEq => BinaryOp::Shl,
        Token::ShrEq => BinaryOp::Shr,
        _ => return None,
    })
}

impl Parser<'_> {
    /// The whole text as the inside of a body.
    pub(super) fn body(&mut self) -> Block {
        let start = self.span();
        let stmts = self.statements(Token::End);
        let span = self.span_from(start);
        into_block(stmts, span)
    }

    /// `{ … }`
    pub(super) fn block(&mut self) -> Parse<Block> {
        self.within(|parser| {
            let start = parser.span();
            if !parser.eat(Token::OpenBrace) {
                return Err(parser.unexpected_after_expr("`{`"));
            }
            let stmts = parser.statements(Token::CloseBrace);
            parser.expect(Token::CloseBrace)?;
            let span = parser.span_from(start);
            parser.grow(span)?;
            Ok(into_block(stmts, span))
        })
    }

    /// Statements up to the token that ends the block; those with errors are left out.
    fn statements(&mut self, end: Token) -> Vec<Stmt> {
        let mut stmts = Vec::new();
        loop {
            self.skip_separators();
            if self.peek() == end || self.peek() == Token::End {
                return stmts;
            }
            let start = self.at;
            match self.apart(Parser::statement) {
                Ok(stmt) => stmts.push(stmt),
                Err(_) => self.skip_statement(start),
            }
        }
    }

    fn statement(&mut self) -> Parse<Stmt> {
        let start = self.span();
        let kind = self.statement_kind()?;
        if !matches!(self.peek(), Token::Newline | Token::Semicolon | Token::CloseBrace | Token::End) {
            return Err(self.unexpected_end());
        }
        let span = self.span_from(start);
        self.grow(span)?;
        Ok(Stmt { kind, span })
    }

    fn statement_kind(&mut self) -> Parse<StmtKind> {
        match self.peek() {
            Token::Let => self.let_stmt(),
            Token::Var => self.var_stmt(),
            Token::While => self.while_stmt(),
            Token::For => self.for_stmt(),
            Token::Break => Ok(self.word(StmtKind::Break)),
            Token::Continue => Ok(self.word(StmtKind::Continue)),
            Token::Return => self.return_stmt(),
            Token::Fn | Token::Kernel => {
                let span = self.span();
                let word = self.text(span);
                Err(self.report(errors::nested_item(span, word)))
            }
            _ => self.expr_or_assign(),
        }
    }

    fn word(&mut self, kind: StmtKind) -> StmtKind {
        self.bump();
        kind
    }

    fn let_stmt(&mut self) -> Parse<StmtKind> {
        self.bump();
        let pattern = self.pattern()?;
        let ty = self.annotation()?;
        self.expect_assign()?;
        Ok(StmtKind::Let { pattern, ty, value: self.expr()? })
    }

    fn pattern(&mut self) -> Parse<Pattern> {
        let start = self.span();
        if !self.eat(Token::OpenParen) {
            return Ok(Pattern::Name(self.name("a name")?));
        }
        let names = self.list(Token::CloseParen, |parser| parser.name("a name"))?;
        Ok(Pattern::Tuple(names, self.span_from(start)))
    }

    fn var_stmt(&mut self) -> Parse<StmtKind> {
        self.bump();
        let name = self.name("a name")?;
        let ty = self.annotation()?;
        self.expect_assign()?;
        Ok(StmtKind::Var { name, ty, value: self.expr()? })
    }

    fn expect_assign(&mut self) -> Parse<()> {
        if self.peek() == Token::Comma {
            let span = self.span();
            return Err(self.report(errors::bare_tuple(span)));
        }
        self.expect(Token::Eq).map(|_| ())
    }

    fn while_stmt(&mut self) -> Parse<StmtKind> {
        self.bump();
        let cond = self.expr()?;
        Ok(StmtKind::While { cond, body: self.block()? })
    }

    fn for_stmt(&mut self) -> Parse<StmtKind> {
        self.bump();
        let var = self.name("a name")?;
        self.expect(Token::In)?;
        let iter = self.expr()?;
        Ok(StmtKind::For { var, iter, body: self.block()? })
    }

    fn return_stmt(&mut self) -> Parse<StmtKind> {
        self.bump();
        let bare = matches!(self.peek(), Token::Newline | Token::Semicolon | Token::CloseBrace | Token::End);
        Ok(StmtKind::Return(if bare { None } else { Some(self.expr()?) }))
    }

    fn expr_or_assign(&mut self) -> Parse<StmtKind> {
        if self.peek() == Token::Name && self.peek_second() == Token::Colon && !self.at_foreign_word() {
            let span = self.span();
            let name = self.text(span);
            return Err(self.report(errors::missing_let(span, name)));
        }
        let expr = self.expr()?;
        let op = assign_op(self.peek());
        if op.is_none() && self.peek() != Token::Eq {
            return Ok(into_stmt(expr));
        }
        let place = self.place(expr)?;
        self.bump();
        Ok(StmtKind::Assign { place, op, value: self.expr()? })
    }

    /// `else:` and the like are reported as what they are, not as declarations.
    fn at_foreign_word(&self) -> bool {
        super::unexpected::is_foreign(self.text(self.span()))
    }

    /// An expression as something to assign to; its depth is that of the expression.
    fn place(&mut self, expr: Expr) -> Parse<Place> {
        let span = expr.span;
        match expr.kind {
            ExprKind::Name(text) => Ok(Place::Name(Name { text, span })),
            ExprKind::Index(index) => Ok(Place::Index(index)),
            ExprKind::Tuple(elements) if !elements.is_empty() => {
                let places: Parse<Vec<_>> = elements.into_iter().map(|place| self.place(place)).collect();
                Ok(Place::Tuple(places?, span))
            }
            ExprKind::Tuple(_)
            | ExprKind::Int(_)
            | ExprKind::Float(_)
            | ExprKind::Imaginary(_)
            | ExprKind::Unary { .. }
            | ExprKind::Binary { .. }
            | ExprKind::Compare { .. }
            | ExprKind::Call { .. }
            | ExprKind::Field { .. }
            | ExprKind::List(_)
            | ExprKind::If(_) => {
                let text = self.text(span);
                Err(self.report(errors::not_a_place(span, text)))
            }
        }
    }
}

/// An expression as a statement.
fn into_stmt(expr: Expr) -> StmtKind {
    if let ExprKind::If(inner) = expr.kind { StmtKind::If(*inner) } else { StmtKind::Expr(expr) }
}

/// A block of these statements, the last of which is the value if it is an expression.
fn into_block(mut stmts: Vec<Stmt>, span: Span) -> Block {
    let value = match stmts.pop() {
        Some(Stmt { kind: StmtKind::Expr(expr), .. }) => Some(Box::new(expr)),
        Some(Stmt { kind: StmtKind::If(inner), span }) if yields(&inner) => {
            Some(Box::new(Expr::new(ExprKind::If(Box::new(inner)), span)))
        }
        last => {
            stmts.extend(last);
            None
        }
    };
    Block { stmts, value, span }
}

/// Whether every way through an `if` ends in a value.
fn yields(inner: &If) -> bool {
    let ends = |block: &Block| block.value.is_some();
    inner.otherwise.as_ref().is_some_and(ends) && inner.arms.iter().all(|arm| ends(&arm.body))
}
