//! What the signature of a task may be: owned arguments under plain names, known types, an ordinary call.

use syn::{Attribute, FnArg, GenericArgument, Ident, Pat, PatIdent, PatType, PathArguments, ReturnType, Token, Type};

use super::{rustdoc, types};
use crate::mistakes::Mistakes;

/// The most arguments a task can have; more belong into a struct of their own.
const MOST_ARGUMENTS: usize = 8;

/// A checked signature.
pub(super) struct Signature {
    pub(super) arguments: Vec<Argument>,
    pub(super) output: Output,
    /// The signature as it was written, for the documentation page.
    pub(super) text: String,
}

/// One argument: `mut name: Type`.
pub(super) struct Argument {
    pub(super) attributes: Vec<Attribute>,
    pub(super) mutability: Option<Token![mut]>,
    pub(super) name: Ident,
    pub(super) ty: Type,
}

/// What a task returns; both halves of a `Result` must be able to travel.
pub(super) enum Output {
    Unit,
    Plain(Box<Type>),
    Result(Box<Halves>),
}

/// A `Result` as a whole, and its two types.
pub(super) struct Halves {
    pub(super) whole: Type,
    pub(super) ok: Type,
    pub(super) err: Type,
}

impl Signature {
    pub(super) fn check(sig: syn::Signature, mistakes: &mut Mistakes) -> Self {
        let text = rustdoc::signature(&sig);
        let name = &sig.ident;
        check_qualifiers(&sig, mistakes);
        let declared: Vec<_> = sig.generics.lifetimes().map(|param| &param.lifetime.ident).collect();
        let mut arguments = Vec::new();
        for input in &sig.inputs {
            match input {
                FnArg::Receiver(receiver) => {
                    let message = format!(
                        "task `{name}` cannot take `self`; make it a function outside the `impl` that takes the value as an argument"
                    );
                    mistakes.add(receiver, message);
                }
                FnArg::Typed(typed) => arguments.extend(check_argument(name, &declared, typed, mistakes)),
            }
        }
        if let Some(ninth) = sig.inputs.iter().nth(MOST_ARGUMENTS) {
            mistakes.add(
                ninth,
                format!("task `{name}` has more than {MOST_ARGUMENTS} arguments; put some of them into a struct"),
            );
        }
        Self { arguments, output: check_output(name, &declared, &sig, mistakes), text }
    }
}

fn check_qualifiers(sig: &syn::Signature, mistakes: &mut Mistakes) {
    let name = &sig.ident;
    if let Some(token) = &sig.constness {
        mistakes.add(token, format!("task `{name}` cannot be `const`; it runs in another process: write `fn {name}`"));
    }
    if let Some(token) = &sig.asyncness {
        mistakes.add(token, format!("task `{name}` cannot be `async`; a worker runs one call to its end: write `fn {name}` and block on the future inside"));
    }
    if let syn::Safety::Unsafe(token) = &sig.safety {
        mistakes.add(token, format!("task `{name}` cannot be `unsafe`; another process cannot keep its contract: write `fn {name}` and check inside"));
    }
    if let Some(abi) = &sig.abi {
        mistakes.add(abi, format!("task `{name}` cannot be `extern`; workers call it as a Rust function: write `fn {name}` and call the foreign one inside"));
    }
    if !sig.generics.params.is_empty() && sig.generics.lifetimes().count() == sig.generics.params.len() {
        mistakes.add(&sig.generics.params, format!("task `{name}` cannot have lifetimes; its memory is not that of its caller: use owned types, or `'static` for one that owns its data"));
    } else if !sig.generics.params.is_empty() {
        mistakes.add(
            &sig.generics.params,
            format!("task `{name}` cannot be generic; a worker must know its types: write one task for each type"),
        );
    } else if let Some(clause) = &sig.generics.where_clause {
        mistakes.add(clause, format!("task `{name}` cannot have a `where` clause; a worker must know its types"));
    }
    if let Some(variadic) = &sig.variadic {
        mistakes.add(
            variadic,
            format!("task `{name}` cannot take a variable number of arguments; take a `Vec<T>` instead"),
        );
    }
}

fn check_argument(task: &Ident, declared: &[&Ident], typed: &PatType, mistakes: &mut Mistakes) -> Option<Argument> {
    for attribute in &typed.attrs {
        if !types::is_lint_level(attribute) {
            let message = format!(
                "an argument of task `{task}` can have lint attributes only; where a `cfg` changes a signature, write two tasks"
            );
            mistakes.add(attribute, message);
        }
    }
    types::check(task, declared, &typed.ty, mistakes);
    match &*typed.pat {
        Pat::Ident(PatIdent { by_ref: None, subpat: None, mutability, ident, .. }) => {
            if ident == task {
                mistakes.add(ident, format!("argument `{ident}` bears the name of its task; rename one of them"));
            }
            Some(Argument {
                attributes: typed.attrs.clone(),
                mutability: *mutability,
                name: ident.clone(),
                ty: (*typed.ty).clone(),
            })
        }
        pattern => {
            mistakes.add(pattern, format!("an argument of task `{task}` needs a plain name: {}", plain_form(pattern)));
            None
        }
    }
}

/// What to write in place of a pattern.
fn plain_form(pattern: &Pat) -> String {
    match pattern {
        Pat::Wild(_) => "write `_name`".to_owned(),
        Pat::Ident(PatIdent { by_ref: Some(_), subpat: None, ident, .. }) => {
            format!("write `{ident}`, and borrow it inside the function")
        }
        _ => "take it apart inside the function".to_owned(),
    }
}

fn check_output(task: &Ident, declared: &[&Ident], sig: &syn::Signature, mistakes: &mut Mistakes) -> Output {
    let ReturnType::Type(_, ty) = &sig.output else { return Output::Unit };
    let before = types::check(task, declared, ty, mistakes);
    match &**ty {
        Type::Never(never) if before => {
            mistakes.add(never, format!("task `{task}` never returns; let it return `()` or what it found"));
            Output::Unit
        }
        Type::Tuple(tuple) if tuple.elems.is_empty() => Output::Unit,
        ty => match halves_of_result(ty) {
            Some((ok, err)) => Output::Result(Box::new(Halves { whole: ty.clone(), ok, err })),
            None => Output::Plain(Box::new(ty.clone())),
        },
    }
}

/// The two types of `Result<T, E>`; an alias with one is taken whole.
fn halves_of_result(ty: &Type) -> Option<(Type, Type)> {
    let Type::Path(path) = ty else { return None };
    let last = path.path.segments.last().filter(|last| last.ident == "Result")?;
    let PathArguments::AngleBracketed(arguments) = &last.arguments else { return None };
    let mut types = arguments.args.iter().map(|argument| match argument {
        GenericArgument::Type(ty) => Some(ty.clone()),
        _ => None,
    });
    match (types.next(), types.next(), types.next()) {
        (Some(Some(ok)), Some(Some(err)), None) => Some((ok, err)),
        _ => None,
    }
}
