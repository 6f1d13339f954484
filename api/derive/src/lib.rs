//! `#[derive(Parameters)]`: a struct is what an endpoint takes, an enum is what a text of it may say.
//!
//! From one declaration come the schema that requests are checked by and the API is described by, and the reading.

use proc_macro2::{Span, TokenStream};
use quote::quote;
use syn::{Attribute, Data, DeriveInput, Error, Field, Fields, Ident, LitStr, Result, Variant};

/// Implements `Parameters` for a struct with named fields, `Choice` for an enum of unit variants.
///
/// - `#[params(open)]` or `#[params(closed)]` on a struct: its style, which is exact otherwise.
/// - `#[param(name = "...")]`: the name on the wire; otherwise the Rust name in `camelCase`, of variants too.
///   A field whose name begins with `_` is taken and ignored.
/// - `#[param(flatten)]`: the fields of another such struct belong to this one.
/// - `#[param(one_of)]`: exactly one of the fields marked so must be there.
#[proc_macro_derive(Parameters, attributes(params, param))]
pub fn parameters(input: proc_macro::TokenStream) -> proc_macro::TokenStream {
    syn::parse(input)
        .and_then(|input: DeriveInput| implement(&input))
        .unwrap_or_else(Error::into_compile_error)
        .into()
}

fn implement(input: &DeriveInput) -> Result<TokenStream> {
    match &input.data {
        Data::Struct(data) => match &data.fields {
            Fields::Named(fields) => of_struct(input, fields.named.iter()),
            _ => Err(Error::new_spanned(&input.ident, "fields need names")),
        },
        Data::Enum(data) => of_enum(input, data.variants.iter()),
        Data::Union(_) => Err(Error::new_spanned(&input.ident, "a union says nothing")),
    }
}

fn of_struct<'a>(
    input: &DeriveInput,
    fields: impl Iterator<Item = &'a Field>,
) -> Result<TokenStream> {
    let (mut declared, mut parts, mut read) = (Vec::new(), Vec::new(), Vec::new());
    for field in fields {
        let options = FieldOptions::read(&field.attrs)?;
        let (ident, of) = (field.ident.as_ref(), &field.ty);
        if options.flatten {
            parts.push(quote!(&<#of as ::api::http::parameters::Parameters>::SCHEMA));
            read.push(quote!(#ident: ::api::http::parameters::Parameters::read(params)?));
            continue;
        }
        let name = options.name_of(ident, &camel_case);
        let one_of = options.one_of;
        declared.push(quote!(::api::http::parameters::field::<#of>(#name, #one_of)));
        read.push(quote!(#ident: ::api::http::parameters::take(params, #name)?));
    }
    let (ident, style) = (&input.ident, style(&input.attrs)?);
    let end = (style == "Closed").then(|| quote!(params.nothing_else()?;));
    Ok(quote! {
        impl ::api::http::parameters::Parameters for #ident {
            const SCHEMA: ::api::http::schema::Schema = ::api::http::schema::Schema {
                style: ::api::http::schema::Style::#style,
                fields: &[#(#declared),*],
                parts: &[#(#parts),*],
            };

            fn read(
                params: &mut ::api::http::params::Params,
            ) -> ::std::result::Result<Self, ::api::errors::ApiError> {
                let read = Self { #(#read),* };
                #end
                Ok(read)
            }
        }
    })
}

fn of_enum<'a>(
    input: &DeriveInput,
    variants: impl Iterator<Item = &'a Variant>,
) -> Result<TokenStream> {
    let (mut names, mut idents) = (Vec::new(), Vec::new());
    for variant in variants {
        let options = FieldOptions::read(&variant.attrs)?;
        if options.flatten || options.one_of {
            return Err(Error::new_spanned(
                &variant.ident,
                "a variant has a name only",
            ));
        }
        names.push(options.name_of(Some(&variant.ident), &lower_first));
        idents.push(&variant.ident);
    }
    let ident = &input.ident;
    Ok(quote! {
        impl ::api::http::parameters::Choice for #ident {
            const NAMES: &'static [&'static str] = &[#(#names),*];

            fn find(name: &str) -> Option<Self> {
                match name {
                    #(#names => Some(Self::#idents),)*
                    _ => None,
                }
            }
        }
    })
}

#[derive(Default)]
struct FieldOptions {
    name: Option<LitStr>,
    flatten: bool,
    one_of: bool,
}

impl FieldOptions {
    fn read(attributes: &[Attribute]) -> Result<Self> {
        let mut options = Self::default();
        for attribute in attributes.iter().filter(|one| one.path().is_ident("param")) {
            attribute.parse_nested_meta(|meta| {
                if meta.path.is_ident("name") {
                    options.name = Some(meta.value()?.parse()?);
                } else if meta.path.is_ident("flatten") {
                    options.flatten = true;
                } else if meta.path.is_ident("one_of") {
                    options.one_of = true;
                } else {
                    return Err(meta.error("`name = \"...\"`, `flatten` or `one_of`"));
                }
                Ok(())
            })?;
        }
        Ok(options)
    }

    fn name_of(&self, ident: Option<&Ident>, on_the_wire: &dyn Fn(&str) -> String) -> LitStr {
        self.name.clone().unwrap_or_else(|| {
            let ident = ident.map(Ident::to_string).unwrap_or_default();
            let name = ident.trim_start_matches("r#").trim_start_matches('_');
            LitStr::new(&on_the_wire(name), Span::call_site())
        })
    }
}

/// The name of the variant of `Style`.
fn style(attributes: &[Attribute]) -> Result<Ident> {
    let mut style = "Exact";
    for attribute in attributes
        .iter()
        .filter(|one| one.path().is_ident("params"))
    {
        attribute.parse_nested_meta(|meta| {
            style = if meta.path.is_ident("open") {
                "Open"
            } else if meta.path.is_ident("closed") {
                "Closed"
            } else {
                return Err(meta.error("`open` or `closed`"));
            };
            Ok(())
        })?;
    }
    Ok(Ident::new(style, Span::call_site()))
}

/// `room_id` is `roomId`.
fn camel_case(name: &str) -> String {
    let mut words = name.split('_');
    let first = words.next().unwrap_or_default().to_owned();
    words.fold(first, |name, word| {
        let mut letters = word.chars();
        let capital = letters.next().map(|letter| letter.to_ascii_uppercase());
        name + &capital.into_iter().chain(letters).collect::<String>()
    })
}

/// `ByName` is `byName`.
fn lower_first(name: &str) -> String {
    let mut letters = name.chars();
    let first = letters.next().map(|letter| letter.to_ascii_lowercase());
    first.into_iter().chain(letters).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_on_the_wire() {
        for (name, wire) in [("room_id", "roomId"), ("name", "name"), ("a_b_c", "aBC")] {
            assert_eq!(camel_case(name), wire);
        }
        assert_eq!(lower_first("ByName"), "byName");
    }

    #[test]
    fn what_makes_no_sense_does_not_compile() {
        for (source, said) in [
            ("struct A(String);", "fields need names"),
            ("union A { a: u8 }", "a union says nothing"),
            (
                "enum A { #[param(flatten)] B }",
                "a variant has a name only",
            ),
            (
                "struct A { #[param(often)] a: String }",
                "`name = \"...\"`, `flatten` or `one_of`",
            ),
            (
                "#[params(ajar)] struct A { a: String }",
                "`open` or `closed`",
            ),
        ] {
            let input = syn::parse_str(source).expect("an item");
            let error = implement(&input).expect_err(source);
            assert_eq!(error.to_string(), said);
        }
    }
}
