//! What a type of a signature may not contain: borrows, pointers and types that only the caller knows.

use quote::{ToTokens, quote};
use syn::visit::{self, Visit};
use syn::{Ident, Lifetime, Path, Type, TypeImplTrait, TypePtr, TypeReference};

use crate::mistakes::Mistakes;

/// Reports what cannot travel; true if nothing was found.
pub(super) fn check(task: &Ident, ty: &Type, mistakes: &mut Mistakes) -> bool {
    let mut visitor = Visitor { task, mistakes, clean: true };
    visitor.visit_type(ty);
    visitor.clean
}

struct Visitor<'a> {
    task: &'a Ident,
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
        let task = self.task;
        self.refuse(
            reference,
            format!("task `{task}` cannot borrow; its memory is not that of its caller: write `{owned}`"),
        );
    }

    fn visit_type_ptr(&mut self, pointer: &'ast TypePtr) {
        let task = self.task;
        self.refuse(
            pointer,
            format!("a pointer means nothing in another process; let task `{task}` take or return the value itself"),
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
        if lifetime.ident != "static" {
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

/// The type to write in place of `&T`.
fn owned_form(borrowed: &Type) -> String {
    let text = super::rustdoc::tokens(quote!(#borrowed));
    match borrowed {
        Type::Slice(slice) => {
            let element = &slice.elem;
            format!("Vec<{}>", super::rustdoc::tokens(quote!(#element)))
        }
        Type::Path(path) => match path.path.segments.last().map(|last| last.ident.to_string()).as_deref() {
            Some("str") => "String".to_owned(),
            Some("Path") => "PathBuf".to_owned(),
            Some("OsStr") => "OsString".to_owned(),
            Some("CStr") => "CString".to_owned(),
            _ => text,
        },
        Type::TraitObject(_) => format!("Box<{text}>"),
        _ => text,
    }
}
