//! Functions and kernels with their attributes, parameters and types.

use hotloop_source::Span;

use super::{Parse, Parser};
use crate::ast::{AttrArg, AttrValue, Attribute, Block, File, Item, ItemKind, Param, ResultType, TypeExpr};
use crate::errors;
use crate::lexer;
use crate::token::Token;

impl Parser<'_> {
    /// The whole text as items; those with errors are left out.
    pub(super) fn file(&mut self) -> File {
        let mut file = File::default();
        loop {
            self.skip_separators();
            if self.peek() == Token::End {
                return file;
            }
            let start = self.at;
            match self.item() {
                Ok(item) => file.items.push(item),
                Err(_) => self.recover_item(start),
            }
        }
    }

    /// Skips to the next thing that can begin an item.
    fn recover_item(&mut self, start: usize) {
        self.skip_statement(start);
        self.skip_separators();
        while !matches!(self.peek(), Token::Fn | Token::Kernel | Token::At | Token::End) {
            self.skip_statement(self.at);
            self.skip_separators();
        }
    }

    fn item(&mut self) -> Parse<Item> {
        let start = self.span();
        let attrs = self.attributes()?;
        let kind = match self.peek() {
            Token::Fn => ItemKind::Fn,
            Token::Kernel => ItemKind::Kernel,
            _ => return Err(self.not_an_item(attrs.last())),
        };
        self.bump();
        let name = self.name("the name of the function")?;
        self.expect(Token::OpenParen)?;
        let params = self.list(Token::CloseParen, Parser::param)?;
        let result = if self.eat(Token::Arrow) { Some(self.result_type()?) } else { None };
        let body = self.item_body()?;
        if !matches!(self.peek(), Token::Newline | Token::Semicolon | Token::End) {
            return Err(self.unexpected_end());
        }
        Ok(Item { kind, name, params, result, attrs, body, span: self.span_from(start) })
    }

    fn not_an_item(&mut self, attr: Option<&Attribute>) -> super::Stop {
        if let Some(attr) = attr {
            return self.report(errors::loose_attribute(attr.span, &attr.name.text));
        }
        if let Some(stop) = self.foreign_word() {
            return stop;
        }
        let (span, found) = (self.span(), self.found());
        self.report(errors::expected_item(span, &found))
    }

    /// `= expr` or `{ … }`
    fn item_body(&mut self) -> Parse<Block> {
        self.within(|parser| match parser.peek() {
            Token::Eq => {
                parser.bump();
                Ok(Block::of(parser.expr()?))
            }
            Token::OpenBrace => parser.block(),
            _ => Err(parser.unexpected_after_expr("`=` or `{`")),
        })
    }

    fn param(&mut self) -> Parse<Param> {
        let start = self.span();
        if self.peek() == Token::Mut {
            return Err(self.report(errors::misplaced_mut(start)));
        }
        let name = self.name("the name of a parameter")?;
        let ty = self.annotation()?;
        if self.peek() == Token::Eq {
            let span = self.span();
            return Err(self.report(errors::default_value(span, &name.text)));
        }
        self.leaf(start)?;
        Ok(Param { name, ty, span: self.span_from(start) })
    }

    /// `: type`, if it stands here.
    pub(super) fn annotation(&mut self) -> Parse<Option<TypeExpr>> {
        if self.eat(Token::Colon) { self.type_expr().map(Some) } else { Ok(None) }
    }

    fn type_expr(&mut self) -> Parse<TypeExpr> {
        let start = self.span();
        let mutable = self.eat(Token::Mut);
        let element = self.name("a type")?;
        let rank = if self.eat(Token::OpenBracket) { Some(self.axes(self.text(element.span))?) } else { None };
        self.leaf(start)?;
        Ok(TypeExpr { mutable, element, rank, span: self.span_from(start) })
    }

    /// The number of axes of an array type, with the closing bracket.
    fn axes(&mut self, element: &str) -> Parse<usize> {
        let mut rank = 0;
        loop {
            if self.peek() != Token::Colon {
                let (span, found) = (self.span(), self.found());
                return Err(self.report(errors::bad_rank(span, element, &found)));
            }
            self.bump();
            rank += 1;
            if self.eat(Token::CloseBracket) {
                return Ok(rank);
            }
            if !self.eat(Token::Comma) {
                return Err(self.unexpected("`,` or `]`"));
            }
        }
    }

    fn result_type(&mut self) -> Parse<ResultType> {
        let start = self.span();
        if !self.eat(Token::OpenParen) {
            return Ok(ResultType::One(self.type_expr()?));
        }
        let types = self.list(Token::CloseParen, Parser::type_expr)?;
        Ok(ResultType::Tuple(types, self.span_from(start)))
    }

    fn attributes(&mut self) -> Parse<Vec<Attribute>> {
        let mut attrs = Vec::new();
        while self.peek() == Token::At {
            attrs.push(self.within(Parser::attribute)?);
            self.skip_newlines();
        }
        Ok(attrs)
    }

    fn attribute(&mut self) -> Parse<Attribute> {
        let start = self.bump().span;
        let name = self.name("the name of an attribute")?;
        let parentheses = self.eat(Token::OpenParen);
        let args = if parentheses { self.list(Token::CloseParen, Parser::attr_arg)? } else { Vec::new() };
        let span = self.span_from(start);
        self.grow(span)?;
        Ok(Attribute { name, args, span })
    }

    fn attr_arg(&mut self) -> Parse<AttrArg> {
        let start = self.span();
        let mut key = None;
        if self.peek() == Token::Name && self.peek_second() == Token::Eq {
            key = Some(self.name("a key")?);
            self.bump();
        }
        let value = self.attr_value()?;
        Ok(AttrArg { key, value, span: self.span_from(start) })
    }

    fn attr_value(&mut self) -> Parse<AttrValue> {
        if self.peek() != Token::Text {
            return Ok(AttrValue::Expr(self.expr()?));
        }
        let span: Span = self.bump().span;
        self.leaf(span)?;
        Ok(AttrValue::Text(lexer::unquoted(self.text(span)), span))
    }
}
