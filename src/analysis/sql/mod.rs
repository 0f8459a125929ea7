//! SQL as text: tokens with their places, statements, and which tables a piece of it names. What a
//! statement does is for a database to say.

mod lex;
mod mentions;
mod statements;

pub use lex::quote;
pub(super) use lex::{Kind, Token, lex, lex_with_comments};
pub(super) use mentions::{Mention, is_named, mentions, mentions_in_sql, shown};
pub(super) use statements::{is_sql, statements};
