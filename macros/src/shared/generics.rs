//! What a generic type asks of its parameters, so that its fields can lie in shared memory.

use proc_macro2::Ident;
use syn::visit::{self, Visit};
use syn::{Generics, Type, TypePath, WherePredicate, parse_quote};

use crate::mistakes::Mistakes;

/// Reports lifetimes; true if there are any.
pub(super) fn check(name: &Ident, generics: &Generics, mistakes: &mut Mistakes) -> bool {
    let first = generics.lifetimes().next();
    if let Some(first) = first {
        mistakes.add(first, format!("`{name}` cannot borrow, because an address means nothing in another process: write types that own their data"));
    }
    first.is_some()
}

/// The generics with `T: Shared` for each parameter of which a field may hold a value, and for each `T::Name`
/// and `PhantomData<T>`.
pub(super) fn bounded<'a>(generics: &Generics, types: impl Iterator<Item = &'a Type>) -> Generics {
    let parameters: Vec<_> = generics.type_params().map(|parameter| &parameter.ident).collect();
    let mut uses = Uses { parameters: &parameters, used: Vec::new(), of_others: Vec::new() };
    types.for_each(|ty| uses.visit_type(ty));
    let Uses { used, of_others, .. } = uses;
    let mut bounded = generics.clone();
    for parameter in bounded.type_params_mut() {
        let is_used = used.contains(&&parameter.ident);
        parameter.bounds.push(if is_used { parse_quote!(::carom::Shared) } else { parse_quote!('static) });
    }
    if !of_others.is_empty() {
        let predicates = of_others.iter().map(|ty| -> WherePredicate { parse_quote!(#ty: ::carom::Shared) });
        bounded.make_where_clause().predicates.extend(predicates);
    }
    bounded
}

/// Where the types of fields name parameters.
struct Uses<'a> {
    parameters: &'a [&'a Ident],
    used: Vec<&'a Ident>,
    /// `T::Name`, `<T as Trait>::Name` and `PhantomData<T>`.
    of_others: Vec<&'a TypePath>,
}

impl<'a> Uses<'a> {
    /// Notes the type if there is a parameter in it.
    fn push_if_generic(&mut self, ty: &'a TypePath) {
        let mut inner = Uses { parameters: self.parameters, used: Vec::new(), of_others: Vec::new() };
        visit::visit_type_path(&mut inner, ty);
        if !inner.used.is_empty() || !inner.of_others.is_empty() {
            self.of_others.push(ty);
        }
    }
}

impl<'a> Visit<'a> for Uses<'a> {
    fn visit_type_path(&mut self, ty: &'a TypePath) {
        let segments = &ty.path.segments;
        let parameter = segments.first().filter(|first| self.parameters.contains(&&first.ident));
        match parameter {
            // of its parameter there is no value, but it may be bound to a thread
            _ if segments.last().is_some_and(|last| last.ident == "PhantomData") => self.push_if_generic(ty),
            Some(parameter) if segments.len() == 1 => self.used.push(&parameter.ident),
            Some(_) => self.of_others.push(ty),
            None if ty.qself.is_some() => self.push_if_generic(ty),
            None => visit::visit_type_path(self, ty),
        }
    }
}
