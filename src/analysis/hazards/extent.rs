//! What to underline.

use std::ops::Range;

use proc_macro2::Span;
use syn::spanned::Spanned;

use crate::workspace::Source;

/// A method call: receiver to closing parenthesis where that fits on a line, else the method's name
/// and its arguments, else the name.
pub(super) fn of_call(source: &Source, call: &syn::ExprMethodCall) -> Range<usize> {
    let name = source.range(call.method.span());
    let end = source.range(call.paren_token.span.close()).end;
    let start = source.range(call.receiver.span()).start;
    let one_line = |start: usize| source.text.get(start..end).is_some_and(|t| !t.contains('\n'));
    if one_line(start) {
        start..end
    } else if one_line(name.start) {
        name.start..end
    } else {
        name
    }
}

/// From the start of one span up to the start of another, without the space between.
pub(super) fn up_to(source: &Source, first: Span, body: Span) -> Range<usize> {
    let start = source.range(first).start;
    let end = source.range(body).start.max(start);
    let text = source.text.get(start..end).unwrap_or_default();
    start..start + text.trim_end().len()
}
