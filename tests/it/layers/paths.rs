//! Every path of a module, wherever it stands: imports, expressions, types, patterns, macros, attributes.

use std::collections::HashSet;

use syn::buffer::TokenBuffer;
use syn::visit::{self, Visit};
use syn::{
    Arm, Attribute, Block, Expr, ExprCall, ExprPath, Field, FieldValue, ImplItem, ImplItemFn, Item, ItemFn, ItemUse,
    Local, Macro, Meta, PatIdent, Path, QSelf, Stmt, TraitItemFn, TypePath, Variant, Visibility,
};

use super::conditions::{self, only_in_tests};
use super::names::Names;
use super::taking::{Form, Taking};
use super::tokens::spoken;
use super::variables::variables;
use super::words::{leaves, text};

pub(super) struct Paths<'a, 'b> {
    pub(super) taking: &'b mut Taking<'a>,
    /// Names of the blocks around, innermost last.
    blocks: Vec<Names>,
    /// Variables of the function around: a word alone means one of them first.
    variables: HashSet<String>,
}

impl<'a, 'b> Paths<'a, 'b> {
    pub(super) fn new(taking: &'b mut Taking<'a>) -> Self {
        Self { taking, blocks: Vec::new(), variables: HashSet::new() }
    }

    fn take(&mut self, path: &[String], form: Form) {
        self.taking.take(&self.blocks, path, form);
    }

    fn named(&mut self, path: &Path, form: Form) {
        // `::a` is another crate
        if path.leading_colon.is_none() {
            let path: Vec<_> = path.segments.iter().map(|part| text(&part.ident)).collect();
            self.take(&path, form);
        }
    }

    /// `<A as b::C>::d` names `b::C`, and `<A>::d` nothing but `A`.
    fn qualified<'ast>(&mut self, qualifier: Option<&'ast QSelf>, path: &'ast Path) {
        if let Some(qualifier) = qualifier {
            self.visit_type(&qualifier.ty);
        }
        if qualifier.is_some_and(|qualifier| qualifier.position == 0) {
            visit::visit_path(self, path);
        } else {
            self.visit_path(path);
        }
    }

    fn tokens(&mut self, buffer: &TokenBuffer, strings: bool) {
        for spoken in spoken(buffer.begin(), strings) {
            match spoken {
                Err(fault) => self.taking.fault(&fault),
                // a word alone in an attribute is one of that attribute's own
                Ok(spoken) if spoken.variable && (strings || self.variables.contains(&spoken.path[0])) => {}
                Ok(spoken) if spoken.glob => self.take(&spoken.path, Form::Glob),
                Ok(spoken) if spoken.invoked => self.take(&spoken.path, Form::Invoked),
                Ok(spoken) => self.take(&spoken.path, Form::Whole),
            }
        }
    }

    fn function(&mut self, variables: HashSet<String>, visit: impl FnOnce(&mut Self)) {
        let outer = self.variables.clone();
        self.variables.extend(variables);
        visit(self);
        self.variables = outer;
    }
}

/// What only tests have is passed over.
macro_rules! outside_tests {
    ($($visit:ident: $part:ty),+) => {
        $(fn $visit(&mut self, part: &'ast $part) {
            if !only_in_tests(&part.attrs) {
                visit::$visit(self, part);
            }
        })+
    };
}

impl<'ast> Visit<'ast> for Paths<'_, '_> {
    fn visit_item(&mut self, item: &'ast Item) {
        if !only_in_tests(conditions::attributes(item)) {
            visit::visit_item(self, item);
        }
    }

    fn visit_impl_item(&mut self, item: &'ast ImplItem) {
        if !only_in_tests(conditions::attributes_within(item)) {
            visit::visit_impl_item(self, item);
        }
    }

    outside_tests! {
        visit_arm: Arm,
        visit_field: Field,
        visit_field_value: FieldValue,
        visit_local: Local,
        visit_variant: Variant
    }

    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        let again = !matches!(item.vis, Visibility::Inherited);
        for (path, name) in leaves(item) {
            let form = match (name, again) {
                (Some(_), false) => Form::Named,
                (Some(_), true) => Form::Again,
                (None, false) => Form::Glob,
                (None, true) => Form::GlobAgain,
            };
            self.take(&path, form);
        }
    }

    fn visit_item_fn(&mut self, item: &'ast ItemFn) {
        self.function(variables(|walk| walk.visit_item_fn(item)), |own| visit::visit_item_fn(own, item));
    }

    fn visit_impl_item_fn(&mut self, item: &'ast ImplItemFn) {
        self.function(variables(|walk| walk.visit_impl_item_fn(item)), |own| visit::visit_impl_item_fn(own, item));
    }

    fn visit_trait_item_fn(&mut self, item: &'ast TraitItemFn) {
        self.function(variables(|walk| walk.visit_trait_item_fn(item)), |own| visit::visit_trait_item_fn(own, item));
    }

    fn visit_block(&mut self, block: &'ast Block) {
        let items = block.stmts.iter().filter_map(|statement| match statement {
            Stmt::Item(item) => Some(item),
            _ => None,
        });
        let names = self.taking.names_of(items);
        self.blocks.push(names);
        visit::visit_block(self, block);
        self.blocks.pop();
    }

    fn visit_expr_call(&mut self, call: &'ast ExprCall) {
        match &*call.func {
            // what is called is a function sooner than a variable of its name
            Expr::Path(function) if function.qself.is_none() => {
                self.visit_path(&function.path);
                call.args.iter().for_each(|argument| self.visit_expr(argument));
            }
            _ => visit::visit_expr_call(self, call),
        }
    }

    fn visit_expr_path(&mut self, expression: &'ast ExprPath) {
        let variable = expression.path.get_ident().is_some_and(|name| self.variables.contains(&text(name)));
        if !variable {
            self.qualified(expression.qself.as_ref(), &expression.path);
        }
    }

    fn visit_type_path(&mut self, path: &'ast TypePath) {
        self.qualified(path.qself.as_ref(), &path.path);
    }

    fn visit_path(&mut self, path: &'ast Path) {
        self.named(path, Form::Named);
        visit::visit_path(self, path);
    }

    fn visit_pat_ident(&mut self, pattern: &'ast PatIdent) {
        // a constant, if there is one of that name
        if pattern.ident.to_string().starts_with(|first: char| first.is_ascii_uppercase()) {
            self.take(&[text(&pattern.ident)], Form::Named);
        }
        visit::visit_pat_ident(self, pattern);
    }

    fn visit_visibility(&mut self, _: &'ast Visibility) {}

    fn visit_macro(&mut self, invoked: &'ast Macro) {
        self.named(&invoked.path, Form::Invoked);
        self.tokens(&TokenBuffer::new2(invoked.tokens.clone()), false);
    }

    fn visit_attribute(&mut self, attribute: &'ast Attribute) {
        let path = attribute.path();
        if ["doc", "cfg", "cfg_attr", "path", "expect", "allow"].iter().any(|name| path.is_ident(name)) {
            return;
        }
        self.named(path, Form::Named);
        match &attribute.meta {
            Meta::List(list) => self.tokens(&TokenBuffer::new2(list.tokens.clone()), true),
            Meta::NameValue(meta) => self.visit_expr(&meta.value),
            Meta::Path(_) => {}
        }
    }
}
