//! From the item of a derive to a [`Shape`], or to what is wrong with it.

use proc_macro2::Ident;
use syn::{Attribute, Fields, Item, ItemEnum, ItemStruct, ItemUnion};

use super::repr::Repr;
use super::shape::{Field, Kind, Shape, Variant};
use super::types::{self, Found};
use super::{generics, is_own};
use crate::mistakes::Mistakes;

/// Why there is no shape: what is to be reported, and what can stand for the implementation.
pub(super) struct Fault {
    /// Nothing if rustc reports it by itself.
    pub(super) error: Option<syn::Error>,
    /// Whether nothing can stand: it is implemented elsewhere, or the type has no size.
    pub(super) is_absent: bool,
}

/// Checks the item of a derive.
pub(super) fn check(item: &Item) -> Result<Shape, Fault> {
    let mut check = Check { mistakes: Mistakes::default(), by_rustc: false, is_absent: false };
    let shape = check.item(item);
    let Check { mistakes, by_rustc, is_absent } = check;
    let error = mistakes.into_result(|| ()).err();
    match shape {
        Some(shape) if error.is_none() && !by_rustc => Ok(shape),
        _ => Err(Fault { error, is_absent }),
    }
}

struct Check {
    mistakes: Mistakes,
    /// Something is wrong that rustc reports.
    by_rustc: bool,
    /// As that of [`Fault`].
    is_absent: bool,
}

impl Check {
    fn item(&mut self, item: &Item) -> Option<Shape> {
        match item {
            Item::Struct(item) => self.structure(item),
            Item::Enum(item) => self.enumeration(item),
            Item::Union(ItemUnion { ident: name, .. }) => {
                let message =
                    format!("union `{name}` cannot be shared, because it does not tell what it holds: write an enum");
                self.mistakes.add(name, message);
                None
            }
            // rustc lets no derive stand there
            _ => None,
        }
    }

    fn structure(&mut self, item: &ItemStruct) -> Option<Shape> {
        let (name, repr) = (&item.ident, self.attributes(&item.attrs)?);
        let has_lifetimes = generics::check(name, &item.generics, &mut self.mistakes);
        repr.check_struct(name, &mut self.mistakes);
        let fields = self.fields(name, has_lifetimes, &item.fields);
        let generics = generics::bounded(&item.generics, fields.iter().map(|field| &field.ty));
        let mut attributes = item.attrs.iter().chain(item.fields.iter().flat_map(|field| &field.attrs));
        let is_deprecated = attributes.any(|attribute| attribute.path().is_ident("deprecated"));
        Some(Shape { name: name.clone(), generics, kind: Kind::Struct(fields), is_deprecated })
    }

    fn enumeration(&mut self, item: &ItemEnum) -> Option<Shape> {
        let (name, repr) = (&item.ident, self.attributes(&item.attrs)?);
        let has_lifetimes = generics::check(name, &item.generics, &mut self.mistakes);
        if item.variants.is_empty() {
            self.empty(name, &repr);
            return None;
        }
        let tag = repr.check_enum(name, &mut self.mistakes);
        let variants = item.variants.iter().map(|variant| Variant {
            name: variant.ident.clone(),
            discriminant: variant.discriminant.as_ref().map(|(_, value)| value.clone()),
            fields: self.fields(name, has_lifetimes, &variant.fields),
        });
        let variants: Vec<_> = variants.collect();
        let types = variants.iter().flat_map(|variant| variant.fields.iter().map(|field| &field.ty));
        let generics = generics::bounded(&item.generics, types);
        // no field of an enum is named in the expansion
        let is_deprecated = false;
        Some(Shape { name: name.clone(), generics, kind: Kind::Enum { tag: tag?, variants }, is_deprecated })
    }

    /// What the attributes say of the layout, unless they implement the trait as well.
    fn attributes(&mut self, attributes: &[Attribute]) -> Option<Repr> {
        if let Some(twice) = attributes.iter().find(|attribute| is_own(attribute.path(), "shared")) {
            self.mistakes.add(twice, "`#[shared]` contains the derive above; remove one of them");
            self.is_absent = true;
            return None;
        }
        Some(Repr::of(attributes))
    }

    fn empty(&mut self, name: &Ident, repr: &Repr) {
        // with a `repr` it is refused by rustc
        self.by_rustc = repr.is_given();
        if !self.by_rustc {
            self.mistakes.add(name, format!("enum `{name}` has no value that could be shared; add a variant"));
        }
    }

    fn fields(&mut self, owner: &Ident, has_lifetimes: bool, fields: &Fields) -> Vec<Field> {
        for field in fields {
            match types::check(owner, has_lifetimes, &field.ty, &mut self.mistakes) {
                Found::Nothing | Found::Fault => {}
                Found::ByRustc => self.by_rustc = true,
                Found::Unsized => self.is_absent = true,
            }
        }
        let fields = fields.members().zip(fields).map(|(member, field)| Field { member, ty: field.ty.clone() });
        fields.collect()
    }
}
