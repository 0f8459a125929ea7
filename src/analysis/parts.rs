//! What tells the API traits of one module from each other.

use heck::ToSnakeCase as _;

/// Words at the end of a trait's name that say nothing about what it is the API of.
const ROLES: [&str; 8] =
    ["Api", "Service", "Contract", "Port", "Repository", "Gateway", "Interface", "Trait"];

/// What a trait is about: its name without the words that only say what it is.
pub fn stem(api_trait: &str) -> &str {
    let mut stem = api_trait;
    while let Some(shorter) =
        ROLES.iter().find_map(|role| stem.strip_suffix(role).filter(|stem| !stem.is_empty()))
    {
        stem = shorter;
    }
    stem
}

/// What tells each of several traits from the others, in snake case: what it is about, or its whole name
/// where that would be another's or a name of generated code. None for one that is alone.
pub(super) fn of(traits: &[&str]) -> Vec<Option<String>> {
    const TAKEN: [&str; 2] = ["pool", "settings"];
    if traits.len() < 2 {
        return traits.iter().map(|_| None).collect();
    }
    let stems: Vec<String> = traits.iter().map(|name| stem(name).to_snake_case()).collect();
    let is_free = |at: usize| {
        let stem = stems[at].as_str();
        stems.iter().filter(|other| *other == stem).count() == 1
            && !TAKEN.contains(&stem)
            && syn::parse_str::<syn::Ident>(stem).is_ok()
            && !traits
                .iter()
                .enumerate()
                .any(|(other, name)| other != at && name.to_snake_case() == stem)
    };
    let part = |at: usize| if is_free(at) { stems[at].clone() } else { traits[at].to_snake_case() };
    (0..traits.len()).map(|at| Some(part(at))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_what_the_trait_is_about_where_that_is_nobody_elses() {
        let of = |traits: &[&str]| {
            of(traits).into_iter().map(Option::unwrap_or_default).collect::<Vec<_>>()
        };
        assert_eq!(of(&["StockApi"]), [""]);
        assert_eq!(
            of(&["UserServiceContract", "RefreshTokenServiceContract"]),
            ["user", "refresh_token"]
        );
        assert_eq!(of(&["UserService", "UserRepository"]), ["user_service", "user_repository"]);
        assert_eq!(of(&["Stock", "StockApi"]), ["stock", "stock_api"]);
        assert_eq!(of(&["PoolApi", "TypeApi"]), ["pool_api", "type_api"]);
    }
}
