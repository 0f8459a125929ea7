//! Every code that a diagnostic has, and what `calve explain` says of it.
//!
//! A new one is a section of a file in `codes/`: `## code`, a line that sums it up, an example of what
//! gives it, why a network or a second process cannot carry it, and what to do.

/// What is said of a code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Explanation {
    /// The code: `no-such-module`.
    pub code: &'static str,
    /// What it is about, as a heading: `The boundary`.
    pub group: &'static str,
    /// It in one line without a full stop.
    pub summary: &'static str,
    /// Example, reason and way out, as Markdown.
    pub text: &'static str,
}

/// A file a group.
const FILES: [&str; 7] = [
    include_str!("codes/choice.md"),
    include_str!("codes/trait.md"),
    include_str!("codes/types.md"),
    include_str!("codes/boundary.md"),
    include_str!("codes/storage.md"),
    include_str!("codes/manifests.md"),
    include_str!("codes/run.md"),
];

/// All of them, by group.
pub fn explanations() -> impl Iterator<Item = Explanation> {
    FILES.into_iter().flat_map(|file| {
        let (head, sections) = file.split_once("\n## ").unwrap_or((file, ""));
        let group = head.trim_start_matches("# ").trim();
        sections.split("\n## ").filter_map(move |section| {
            let (code, rest) = section.split_once('\n')?;
            let (summary, text) = rest.split_once("\n\n")?;
            Some(Explanation { code, group, summary: summary.trim(), text: text.trim() })
        })
    })
}

/// What is said of one.
pub fn explanation(code: &str) -> Option<Explanation> {
    explanations().find(|explanation| explanation.code == code)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn each_section_has_all_its_parts() {
        let mut wrong = Vec::new();
        let mut codes = BTreeSet::new();
        for Explanation { code, summary, text, .. } in explanations() {
            let mut lack = |what: &str| wrong.push(format!("`## {code}`: {what}"));
            if !codes.insert(code) {
                lack("stands there twice");
            }
            let kebab = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
            if !code.chars().all(kebab) {
                lack("is not in kebab-case");
            }
            if summary.contains('\n') || summary.ends_with('.') || summary.len() > 100 {
                lack("a summary of one line, without a full stop, comes first");
            }
            let rest = text.strip_prefix("```").and_then(|rest| rest.split_once("\n```\n\n"));
            let Some((example, prose)) = rest else {
                lack("an example in ``` comes after the summary");
                continue;
            };
            if example.lines().count() < 2 {
                lack("its example is empty");
            }
            let why = prose.strip_prefix("**Why.** ").and_then(|p| p.split_once("\n\n"));
            if !why.is_some_and(|(_, what)| what.starts_with("**What to do.** ")) {
                lack("after the example come paragraphs `**Why.** …` and `**What to do.** …`");
            }
        }
        assert!(wrong.is_empty(), "in src/diagnostic/codes:\n{}", wrong.join("\n"));
        assert!(codes.len() > 100, "the files were not found");
    }
}
