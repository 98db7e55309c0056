//! What the type of a field may not be, as far as its tokens tell: what is certain is reported here, and for the rest a
//! name chooses the words in which rustc says that the type is not fit.

use proc_macro2::Ident;
use syn::visit::{self, Visit};
use syn::{Path, Type, TypeImplTrait, TypeInfer};

use crate::mistakes::Mistakes;

/// What is known of a field's type.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Found {
    /// Nothing against it.
    Nothing,
    /// A mistake that rustc reports by itself.
    ByRustc,
    /// A mistake that has been reported.
    Fault,
    /// One because of which the size of the type is not known.
    Unsized,
}

/// Reports a type that can certainly not lie in shared memory.
///
/// Where the owner has lifetimes, these have been reported, and references are not.
pub(super) fn check(owner: &Ident, has_lifetimes: bool, ty: &Type, mistakes: &mut Mistakes) -> Found {
    let mut refuse = |found, why: &str| {
        mistakes.add(ty, format!("`{owner}` cannot hold {why}"));
        found
    };
    match ty {
        Type::Paren(inner) => check(owner, has_lifetimes, &inner.elem, mistakes),
        Type::Group(inner) => check(owner, has_lifetimes, &inner.elem, mistakes),
        Type::Array(array) => check(owner, has_lifetimes, &array.elem, mistakes),
        Type::Reference(_) if has_lifetimes => Found::Fault,
        Type::Reference(reference) => refuse(
            Found::Fault,
            &format!(
                "a reference, because an address means nothing in another process: write {}",
                owned(&reference.elem)
            ),
        ),
        Type::Ptr(_) => refuse(
            Found::Fault,
            "a pointer, because an address means nothing in another process: write an index, or a distance in bytes",
        ),
        Type::FnPtr(_) => refuse(
            Found::Fault,
            "a function pointer, because an address means nothing in another process: write an enum that chooses the function",
        ),
        Type::Slice(_) => refuse(Found::Unsized, "a slice, because its length is not fixed: write an array `[T; N]`"),
        Type::Path(path) if path.path.is_ident("str") => refuse(
            Found::Unsized,
            "a `str`, because its length is not fixed: write `carom::ShString<N>`, which holds up to `N` bytes in place",
        ),
        Type::TraitObject(_) => {
            refuse(Found::Unsized, "a `dyn` value, because its type means nothing in another process: name the type")
        }
        Type::Tuple(tuple) if !tuple.elems.is_empty() => refuse(
            Found::Fault,
            "a tuple, because its layout is not fixed: write a struct of your own under `#[carom::shared]`",
        ),
        _ => {
            let mut open = Open(false);
            open.visit_type(ty);
            if open.0 { Found::ByRustc } else { Found::Nothing }
        }
    }
}

/// Whether there is a `_` or an `impl Trait`, which no field's type may contain.
struct Open(bool);

impl<'ast> Visit<'ast> for Open {
    fn visit_type_infer(&mut self, _: &'ast TypeInfer) {
        self.0 = true;
    }

    fn visit_type_impl_trait(&mut self, _: &'ast TypeImplTrait) {
        self.0 = true;
    }
}

/// What to write in place of a borrow.
fn owned(borrowed: &Type) -> &'static str {
    match borrowed {
        Type::Path(path) if path.path.is_ident("str") => "`carom::ShString<N>`, which holds up to `N` bytes in place",
        Type::Slice(_) => "an array `[T; N]`",
        _ => "the type of the value itself",
    }
}

/// Names of the standard library, and the trait of `carom`'s `advice` that says what to write in place of them.
const ADVICE: [(&str, &[&str]); 9] = [
    ("Text", &["String", "OsString", "CString", "PathBuf"]),
    ("List", &["Vec", "VecDeque", "LinkedList", "BinaryHeap"]),
    ("Map", &["HashMap", "HashSet", "BTreeMap", "BTreeSet", "IndexMap", "IndexSet"]),
    ("Owner", &["Box", "Rc", "Arc", "Weak", "Cow", "Pin"]),
    ("Address", &["NonNull", "AtomicPtr"]),
    (
        "Guard",
        &[
            "Cell",
            "RefCell",
            "UnsafeCell",
            "OnceCell",
            "LazyCell",
            "Mutex",
            "RwLock",
            "OnceLock",
            "LazyLock",
            "Condvar",
            "Barrier",
            "Once",
        ],
    ),
    ("Choice", &["Option", "Result"]),
    ("Time", &["Duration", "Instant", "SystemTime"]),
    (
        "Handle",
        &["File", "OwnedFd", "TcpStream", "TcpListener", "UdpSocket", "UnixStream", "UnixListener", "UnixDatagram"],
    ),
];

/// The trait that words what is wrong with the outermost type that has a well-known name.
pub(super) fn advice(ty: &Type) -> Option<&'static str> {
    let mut names = Names(None);
    names.visit_type(ty);
    names.0
}

struct Names(Option<&'static str>);

impl<'ast> Visit<'ast> for Names {
    fn visit_path(&mut self, path: &'ast Path) {
        let Some(last) = path.segments.last().map(|segment| &segment.ident) else { return };
        // of its parameter there is no value
        if last == "PhantomData" {
            return;
        }
        if self.0.is_none() {
            self.0 = ADVICE.iter().find(|(_, names)| names.iter().any(|name| last == name)).map(|(advice, _)| *advice);
        }
        visit::visit_path(self, path);
    }
}
