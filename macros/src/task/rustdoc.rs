//! Token streams as a person would write them: for documentation pages and messages.

use proc_macro2::{Delimiter, Spacing, TokenStream, TokenTree};
use quote::quote;

/// `fn name(argument: Type) -> Output`.
pub(super) fn signature(sig: &syn::Signature) -> String {
    tokens(quote!(#sig))
}

/// The tokens on one line, spaced by rustfmt's habits.
pub(super) fn tokens(stream: TokenStream) -> String {
    let mut line = Line::default();
    line.stream(stream);
    line.text
}

#[derive(Default)]
struct Line {
    text: String,
    /// The last token was one after which no space stands, as `&` or `::` or `<`.
    glued: bool,
}

impl Line {
    fn stream(&mut self, stream: TokenStream) {
        let mut before = None;
        for token in stream {
            self.token(&token, before);
            before = match token {
                TokenTree::Punct(punct) if punct.spacing() == Spacing::Joint => Some(punct.as_char()),
                _ => None,
            };
        }
    }

    fn token(&mut self, token: &TokenTree, joint: Option<char>) {
        match token {
            TokenTree::Group(group) => {
                let (open, close) = match group.delimiter() {
                    Delimiter::Parenthesis => ("(", ")"),
                    Delimiter::Bracket => ("[", "]"),
                    Delimiter::Brace => ("{", "}"),
                    Delimiter::None => ("", ""),
                };
                let after_word = !self.text.ends_with("->")
                    && self.text.ends_with(|c: char| c.is_alphanumeric() || "_>!&*".contains(c));
                if !self.glued && !after_word {
                    self.space();
                }
                self.text.push_str(open);
                self.glued = true;
                self.stream(group.stream());
                self.text.push_str(close);
                self.glued = false;
            }
            TokenTree::Punct(punct) => self.punct(punct.as_char(), joint),
            TokenTree::Ident(_) | TokenTree::Literal(_) => {
                if !self.glued {
                    self.space();
                }
                self.text.push_str(&token.to_string());
                self.glued = false;
            }
        }
    }

    fn punct(&mut self, c: char, joint: Option<char>) {
        match (joint, c) {
            (Some('-'), '>') => self.text.push('>'),
            (Some(':'), ':') => {
                self.text.push(':');
                self.glued = true;
            }
            (_, ',' | ';' | ':' | '>' | '!' | '?' | '.') => {
                self.text.push(c);
                self.glued = matches!(c, '.');
            }
            (_, '<') => {
                self.text.push('<');
                self.glued = true;
            }
            (_, '&' | '*' | '\'' | '#') => {
                if !self.glued {
                    self.space();
                }
                self.text.push(c);
                self.glued = true;
            }
            _ => {
                self.space();
                self.text.push(c);
                self.glued = false;
            }
        }
    }

    fn space(&mut self) {
        if !self.text.is_empty() && !self.text.ends_with(' ') {
            self.text.push(' ');
        }
    }
}

#[cfg(test)]
mod tests {
    use super::tokens;
    use quote::quote;

    #[test]
    fn signatures_read_as_they_were_written() {
        let written = "fn f(mut a: Vec<u8>, b: std::path::PathBuf) -> Result<(u8, [f64; 3]), E<'static>>";
        let stream: proc_macro2::TokenStream = written.parse().expect("tokens");
        assert_eq!(tokens(stream), written);
        assert_eq!(tokens(quote!(&str)), "&str");
        assert_eq!(tokens(quote!(dyn Fn(u8) -> u8 + Send)), "dyn Fn(u8) -> u8 + Send");
        assert_eq!(tokens(quote!(::a::B<C>)), "::a::B<C>");
    }
}
