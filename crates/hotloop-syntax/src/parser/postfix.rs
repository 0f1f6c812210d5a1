//! What follows an expression without a space of its own: calls, indexing, fields.

use std::collections::BTreeMap;
use std::sync::Arc;

use hotloop_source::Span;

use super::{Parse, Parser};
use crate::ast::{Expr, ExprKind, Index, IndexElem, IndexKind, NamedArg};
use crate::errors;
use crate::token::Token;

/// The name that adds an axis when it stands alone in an index.
const NEWAXIS: &str = "newaxis";

/// The arguments of a call while they are read.
#[derive(Default)]
struct Args {
    positional: Vec<Expr>,
    named: Vec<NamedArg>,
    /// Where each keyword was given.
    keywords: BTreeMap<Arc<str>, Span>,
}

impl Parser<'_> {
    /// A primary expression with everything that follows it.
    pub(super) fn postfix(&mut self) -> Parse<Expr> {
        let start = self.span();
        let mut expr = self.primary()?;
        loop {
            expr = match self.peek() {
                Token::OpenParen => self.call(expr, start)?,
                Token::OpenBracket => self.index(expr, start)?,
                Token::Dot => self.field(expr, start)?,
                _ => return Ok(expr),
            };
        }
    }

    fn call(&mut self, callee: Expr, start: Span) -> Parse<Expr> {
        if matches!(callee.kind, ExprKind::Int(_) | ExprKind::Float(_) | ExprKind::Imaginary(_)) {
            let text = self.text(callee.span);
            return Err(self.report(errors::number_called(callee.span, text)));
        }
        self.bump();
        let mut read = Args::default();
        self.list(Token::CloseParen, |parser| parser.argument(&mut read))?;
        let span = self.span_from(start);
        self.grow(span)?;
        let (callee, args, named) = (Box::new(callee), read.positional, read.named);
        Ok(Expr::new(ExprKind::Call { callee, args, named }, span))
    }

    fn argument(&mut self, read: &mut Args) -> Parse<()> {
        if self.peek() == Token::Name && self.peek_second() == Token::Eq {
            let name = self.name("a name")?;
            self.bump();
            if let Some(first) = read.keywords.insert(Arc::clone(&name.text), name.span) {
                let diag = errors::repeated_keyword(name.span, &name.text, first);
                return Err(self.report(diag));
            }
            let value = self.expr()?;
            read.named.push(NamedArg { name, value });
            return Ok(());
        }
        let value = self.expr()?;
        if let Some(keyword) = read.named.last() {
            let diag = errors::positional_after_keyword(value.span, self.text(value.span), keyword.name.span);
            return Err(self.report(diag));
        }
        read.positional.push(value);
        Ok(())
    }

    fn index(&mut self, base: Expr, start: Span) -> Parse<Expr> {
        let open = self.bump().span;
        let elements = self.list(Token::CloseBracket, Parser::index_elem)?;
        let span = self.span_from(start);
        if elements.is_empty() {
            return Err(self.report(errors::empty_index(self.span_from(open))));
        }
        self.grow(span)?;
        Ok(Expr::new(ExprKind::Index(Index { base: Box::new(base), elements, span }), span))
    }

    fn index_elem(&mut self) -> Parse<IndexElem> {
        let start = self.span();
        let kind = match self.peek() {
            Token::Ellipsis => {
                self.bump();
                IndexKind::Ellipsis
            }
            Token::At => {
                self.bump();
                IndexKind::Offset(Box::new(self.expr()?))
            }
            Token::Colon => self.slice(None)?,
            _ => {
                let first = Box::new(self.expr()?);
                if self.peek() == Token::Colon { self.slice(Some(first))? } else { single(first) }
            }
        };
        Ok(IndexElem { kind, span: self.span_from(start) })
    }

    /// The rest of a slice, from its first colon.
    fn slice(&mut self, start: Option<Box<Expr>>) -> Parse<IndexKind> {
        self.bump();
        let stop = self.slice_part()?;
        let step = if self.eat(Token::Colon) { self.slice_part()? } else { None };
        Ok(IndexKind::Slice { start, stop, step })
    }

    fn slice_part(&mut self) -> Parse<Option<Box<Expr>>> {
        match self.peek() {
            Token::Colon | Token::Comma | Token::CloseBracket => Ok(None),
            _ => Ok(Some(Box::new(self.expr()?))),
        }
    }

    fn field(&mut self, base: Expr, start: Span) -> Parse<Expr> {
        self.bump();
        let name = self.name("a name after `.`")?;
        let span = self.span_from(start);
        self.grow(span)?;
        Ok(Expr::new(ExprKind::Field { base: Box::new(base), name }, span))
    }
}

/// An expression that is the whole of a part of an index.
fn single(expr: Box<Expr>) -> IndexKind {
    let newaxis = matches!(&expr.kind, ExprKind::Name(text) if &**text == NEWAXIS);
    if newaxis { IndexKind::NewAxis } else { IndexKind::At(expr) }
}
