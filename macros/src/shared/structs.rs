//! The parts of an expansion that are those of a struct.

use quote::{format_ident, quote};

use super::parts::{Array, Parts, field};
use super::shape::Field;

pub(super) fn parts(fields: &[Field]) -> Parts {
    let array = Array { name: format_ident!("CAROM_FIELDS"), fields };
    let items = fields.iter().map(|item| {
        let (field, text, member) = (field(item), item.name(), item.member());
        quote!(#field.at(#text, ::core::mem::offset_of!(Self, #member)))
    });
    let name = &array.name;
    Parts {
        consts: vec![(array.declaration(), quote!([#(#items),*]))],
        flags: quote! {
            ::carom::__private_0_1::Flags::of_struct(::core::mem::size_of::<Self>(), &<Self as CaromShape>::#name)
        },
        layout: vec![array.layout()],
        is_valid: array.are_valid(),
    }
}
