//! `calve explain`: what a code means, why it is refused, and what to do.

use std::io::{self, Write};

use anstyle::Style;

use super::{Output, Status};
use crate::diagnostic::{self, Diagnostic, Explanation};

/// What `explain` is asked for.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The code of a diagnostic, as in `error[no-api-trait]`; all of them with a line each if none is
    /// named.
    code: Option<String>,
}

/// Runs the command.
///
/// # Errors
/// When the terminal or pipe that is written to fails; everything else is shown there.
pub fn run(arguments: &Arguments, output: &mut Output<'_>) -> io::Result<Status> {
    let bold = if output.color_out { Style::new().bold() } else { Style::new() };
    let Some(code) = &arguments.code else {
        list(bold, output.out)?;
        return Ok(Status::Done);
    };
    if let Some(explanation) = diagnostic::explanation(code) {
        explain(&explanation, bold, output.out)?;
        return Ok(Status::Done);
    }
    let unknown = Diagnostic::error("no-such-code", format!("there is no code `{code}`"));
    output.refusal(
        None,
        &unknown.help(match nearest(code) {
            Some(near) => format!("there is `{near}`; `calve explain` lists all"),
            None => "`calve explain` lists all".to_owned(),
        }),
    )
}

fn list(bold: Style, out: &mut dyn Write) -> io::Result<()> {
    let width = diagnostic::explanations().map(|e| e.code.len()).max().unwrap_or(0);
    let mut group = "";
    for explanation in diagnostic::explanations() {
        if explanation.group != group {
            let gap = if group.is_empty() { "" } else { "\n" };
            group = explanation.group;
            writeln!(out, "{gap}{bold}{group}{bold:#}")?;
        }
        writeln!(out, "  {:<width$}  {}", explanation.code, explanation.summary)?;
    }
    writeln!(out, "\ncalve explain <CODE> says more of one")
}

/// Prints an explanation; code is indented, and marks of Markdown are left out.
fn explain(explanation: &Explanation, bold: Style, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "{bold}{}{bold:#}: {}\n", explanation.code, explanation.summary)?;
    let mut in_code = false;
    for line in explanation.text.lines() {
        if line.starts_with("```") {
            in_code = !in_code;
        } else if in_code && !line.is_empty() {
            writeln!(out, "    {line}")?;
        } else if let Some((lead, rest)) = line.strip_prefix("**").and_then(|l| l.split_once("**"))
        {
            writeln!(out, "{bold}{lead}{bold:#}{rest}")?;
        } else {
            writeln!(out, "{line}")?;
        }
    }
    Ok(())
}

/// The code that was probably meant.
fn nearest(code: &str) -> Option<&'static str> {
    let similar = |e: Explanation| (strsim::jaro_winkler(code, e.code), e.code);
    let best = diagnostic::explanations().map(similar).max_by(|a, b| a.0.total_cmp(&b.0))?;
    (best.0 > 0.7).then_some(best.1)
}
