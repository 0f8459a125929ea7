//! Roles that migrations make: they belong to the server, and stay when a database goes.

use squawk_syntax::ast::{self, AstNode, normalize_name_node};
use squawk_syntax::{SyntaxKind, SyntaxNode};

use super::read::child;
use super::variables::parse;
use crate::analysis::schema::MigrationFile;

/// The roles that `CREATE ROLE`, `CREATE USER` and `CREATE GROUP` name in migrations, also in anonymous
/// blocks, each once and in order; of what cannot be read there are none.
pub fn roles_made(files: &[&MigrationFile]) -> Vec<String> {
    let mut made: Vec<String> = Vec::new();
    for file in files {
        for name in roles_below(parse(&file.text).tree().syntax()) {
            if !made.contains(&name) {
                made.push(name);
            }
        }
    }
    made
}

fn roles_below(root: &SyntaxNode) -> Vec<String> {
    use SyntaxKind as K;
    let mut made = Vec::new();
    for node in root.descendants() {
        match node.kind() {
            K::CREATE_ROLE | K::CREATE_USER | K::CREATE_GROUP => {
                made.extend(child(&node, K::ROLE).map(|name| normalize_name_node(&name)));
            }
            K::DO => {
                let body = ast::Do::cast(node).and_then(|block| block.plpgsql());
                made.extend(body.iter().flat_map(|body| roles_below(&body.syntax())));
            }
            _ => {}
        }
    }
    made
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::schema::MigrationFolder;

    #[test]
    fn roles_are_found_by_their_literal_names() {
        let text = "CREATE ROLE reader; CREATE USER \"Writer\" LOGIN; CREATE GROUP Staff; CREATE ROLE reader;\n\
                    DO $$ BEGIN IF NOT EXISTS (SELECT 1 FROM pg_roles) THEN CREATE ROLE auditor; END IF; END $$;\n\
                    DO $$ BEGIN EXECUTE 'CREATE ROLE unseen'; END $$;\n\
                    ALTER ROLE other LOGIN; GRANT reader TO other; COMMENT ON ROLE last IS 'CREATE ROLE x';";
        let files = [("1_a.sql".to_owned(), text.into())];
        let folder = MigrationFolder::parse("m", files).unwrap();
        let files: Vec<&MigrationFile> = folder.files.iter().collect();
        assert_eq!(roles_made(&files), ["reader", "Writer", "staff", "auditor"]);
    }
}
