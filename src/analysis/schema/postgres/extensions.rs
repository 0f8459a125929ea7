//! What well-known extensions bring along: whose migrations create one, owns these names.

use super::model::Space;

/// The names that an extension makes; none of one that is not known.
pub(super) fn brings(extension: &str) -> Vec<(Space, &'static str)> {
    let (types, functions): (&[&str], &[&str]) = match extension {
        "citext" => (&["citext"], &[]),
        "hstore" => (&["hstore"], &["hstore"]),
        "ltree" => (&["ltree", "lquery", "ltxtquery"], &[]),
        "pg_trgm" => (&[], &["similarity", "word_similarity", "show_trgm"]),
        "pgcrypto" => (
            &[],
            &[
                "digest",
                "hmac",
                "crypt",
                "gen_salt",
                "gen_random_bytes",
                "pgp_sym_encrypt",
                "pgp_sym_decrypt",
            ],
        ),
        "postgis" => (&["geometry", "geography"], &["st_makepoint", "st_dwithin", "st_distance"]),
        "unaccent" => (&[], &["unaccent"]),
        "uuid-ossp" => (
            &[],
            &[
                "uuid_generate_v1",
                "uuid_generate_v1mc",
                "uuid_generate_v3",
                "uuid_generate_v4",
                "uuid_generate_v5",
                "uuid_nil",
            ],
        ),
        "vector" => (&["vector", "halfvec", "sparsevec"], &[]),
        _ => (&[], &[]),
    };
    let types = types.iter().map(|name| (Space::Type, *name));
    types.chain(functions.iter().map(|name| (Space::Function, *name))).collect()
}

/// Whether nothing of an extension can be used without one of the names that it makes. Others have
/// operators, or more names than are known here.
pub(super) fn is_told(extension: &str) -> bool {
    ["citext", "hstore", "ltree", "uuid-ossp", "vector"].contains(&extension)
}
