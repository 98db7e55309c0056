//! What a type of a signature may not contain: borrows, pointers and types that only the caller knows.

use quote::{ToTokens, quote};
use syn::fold::{self, Fold};
use syn::visit::{self, Visit};
use syn::{
    Attribute, Ident, Lifetime, Path, Type, TypeFnPtr, TypeImplTrait, TypeInfer, TypePtr, TypeReference, parse_quote,
};

use crate::mistakes::Mistakes;

/// Reports what cannot travel; true if nothing was found.
///
/// Lifetimes that the function has `declared` have been reported there.
pub(super) fn check(task: &Ident, declared: &[&Ident], ty: &Type, mistakes: &mut Mistakes) -> bool {
    let mut visitor = Visitor { task, declared, mistakes, clean: true };
    match unsized_form(ty) {
        Some(form) => visitor.refuse(ty, format!("task `{task}` needs types of known size: write {form}")),
        None => visitor.visit_type(ty),
    }
    visitor.clean
}

/// Whether the attribute sets the level of a lint.
pub(super) fn is_lint_level(attribute: &Attribute) -> bool {
    ["allow", "expect", "warn", "deny", "forbid"].iter().any(|lint| attribute.path().is_ident(lint))
}

struct Visitor<'a> {
    task: &'a Ident,
    declared: &'a [&'a Ident],
    mistakes: &'a mut Mistakes,
    clean: bool,
}

impl Visitor<'_> {
    fn refuse(&mut self, tokens: impl ToTokens, message: String) {
        self.clean = false;
        self.mistakes.add(tokens, message);
    }
}

impl<'ast> Visit<'ast> for Visitor<'_> {
    fn visit_type_reference(&mut self, reference: &'ast TypeReference) {
        let owned = owned_form(&reference.elem);
        let back = if reference.mutability.is_some() { ", and return what becomes of it" } else { "" };
        let task = self.task;
        self.refuse(
            reference,
            format!("task `{task}` cannot borrow; its memory is not that of its caller: write {owned}{back}"),
        );
    }

    fn visit_type_ptr(&mut self, pointer: &'ast TypePtr) {
        let task = self.task;
        self.refuse(
            pointer,
            format!("a pointer means nothing in another process; let task `{task}` take or return the value itself"),
        );
    }

    fn visit_type_fn_ptr(&mut self, pointer: &'ast TypeFnPtr) {
        let task = self.task;
        self.refuse(
            pointer,
            format!("a function pointer means nothing in another process; let task `{task}` take what it chooses the function by"),
        );
    }

    fn visit_type_infer(&mut self, infer: &'ast TypeInfer) {
        let task = self.task;
        self.refuse(
            infer,
            format!("task `{task}` cannot leave a type open; a worker must know its types: name the type"),
        );
    }

    fn visit_type_impl_trait(&mut self, opaque: &'ast TypeImplTrait) {
        let task = self.task;
        self.refuse(
            opaque,
            format!("task `{task}` cannot use `impl Trait`; a worker must know its types: name the type"),
        );
    }

    fn visit_lifetime(&mut self, lifetime: &'ast Lifetime) {
        if lifetime.ident != "static" && !self.declared.contains(&&lifetime.ident) {
            let task = self.task;
            self.refuse(lifetime, format!("task `{task}` cannot borrow; its memory is not that of its caller: use an owned type, or `'static` for one that owns its data"));
        }
    }

    fn visit_path(&mut self, path: &'ast Path) {
        if let Some(first) = path.segments.first().filter(|first| first.ident == "Self") {
            let task = self.task;
            self.refuse(
                &first.ident,
                format!("task `{task}` cannot stand in an `impl`; make it a function outside and name the type"),
            );
        }
        visit::visit_path(self, path);
    }
}

/// What to write in place of `&T`.
fn owned_form(borrowed: &Type) -> String {
    unsized_form(borrowed).unwrap_or_else(|| quoted(&Owner.fold_type(borrowed.clone())))
}

/// What to write in place of a type whose size is certainly not known; a `Path` may be the user's own.
pub(super) fn unsized_form(ty: &Type) -> Option<String> {
    match ty {
        Type::TraitObject(_) => Some(format!("a type of your own in place of {}", quoted(ty))),
        Type::Path(path) if !path.path.is_ident("str") => None,
        _ => owned(ty).map(|owned| quoted(&owned)),
    }
}

/// `Vec<T>` for `[T]`, `String` for `str` and so on.
fn owned(ty: &Type) -> Option<Type> {
    match ty {
        Type::Slice(slice) => {
            let element = Owner.fold_type((*slice.elem).clone());
            Some(parse_quote!(Vec<#element>))
        }
        Type::Path(path) => match path.path.segments.last()?.ident.to_string().as_str() {
            "str" => Some(parse_quote!(String)),
            "Path" => Some(parse_quote!(PathBuf)),
            "OsStr" => Some(parse_quote!(OsString)),
            "CStr" => Some(parse_quote!(CString)),
            _ => None,
        },
        _ => None,
    }
}

/// Replaces each borrow by what owns the same.
struct Owner;

impl Fold for Owner {
    fn fold_type(&mut self, ty: Type) -> Type {
        match ty {
            Type::Reference(reference) => self.fold_type(*reference.elem),
            ty => owned(&ty).unwrap_or_else(|| fold::fold_type(self, ty)),
        }
    }
}

fn quoted(ty: &Type) -> String {
    format!("`{}`", super::rustdoc::tokens(quote!(#ty)))
}
