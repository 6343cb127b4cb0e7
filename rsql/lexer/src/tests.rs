//! Properties of the splitter and of interpolation.

use proptest::prelude::*;

use super::{Piece, Scanner, Stop, split};

/// Text with everything that the splitter has to look at.
const TEXT: &str = "(copy t from stdin;|\\\\copy t from stdin|\n\\\\\\.\n|select|create|function|begin|end|case|E|'|''|\"|\\$\\$|\\$a\\$|--|/\\*|\\*/|;|\\(|\\)|:x|:'x'|:\"x\"|:\\{\\?x\\}|::|:=|\\\\|\\\\;|\\\\:|\\\\\\\\|é|\\n| |[a-z0-9]){0,40}";

fn rejoin(pieces: &[Piece]) -> String {
    pieces
        .iter()
        .map(|piece| match piece {
            Piece::Sql { text, .. } | Piece::Data { text, .. } => text.clone(),
            Piece::Meta { text, .. } => format!("\\{text}"),
        })
        .collect()
}

/// An escaped `\;` or `\:` loses its backslash, and only that.
fn same_but_for_escapes(script: &str, joined: &str) -> bool {
    let mut chars = joined.chars();
    let mut rest = script.chars().peekable();
    while let Some(c) = rest.next() {
        if chars.clone().next() == Some(c) {
            chars.next();
        } else if c == '\\' && matches!(rest.peek(), Some(';' | ':')) {
        } else {
            return false;
        }
    }
    chars.next().is_none()
}

fn statements(script: &str) -> Vec<String> {
    split(script, true)
        .into_iter()
        .filter_map(|p| match p {
            Piece::Sql { text, .. } => Some(text.trim().to_owned()).filter(|t| !t.is_empty()),
            Piece::Meta { .. } | Piece::Data { .. } => None,
        })
        .collect()
}

/// What a script becomes with variables put in.
fn interpolate(line: &str, lookup: &dyn Fn(&str) -> Option<String>) -> String {
    let mut scanner = Scanner::new(true);
    let mut out = String::new();
    for part in line.split('\n') {
        scanner.feed(part);
        while scanner.scan(Some(lookup), &mut out) != Stop::Eol {}
        out.push('\n');
    }
    out.pop();
    out
}

#[test]
fn statements_end_where_they_should() {
    assert_eq!(statements("select 'a;b'; select $$;$$;"), ["select 'a;b';", "select $$;$$;"]);
    assert_eq!(statements("select (1;2); select 3"), ["select (1;2);", "select 3"]);
    assert_eq!(statements("select E'\\';'; x"), ["select E'\\';';", "x"]);
    assert_eq!(statements("select E'a\\''\n 'b\\';c'; x"), ["select E'a\\''\n 'b\\';c';", "x"]);
    assert_eq!(statements("/* ; /* ; */ ; */ a; -- ;\nb;"), ["/* ; /* ; */ ; */ a;", "-- ;\nb;"]);
    assert_eq!(statements("a$b$ ; c$b$;"), ["a$b$ ;", "c$b$;"]);
    assert_eq!(statements("select 1 \\gset\nselect 2;"), ["select 1", "select 2;"]);
}

#[test]
fn rows_of_a_copy_are_no_statements() {
    let script = "copy t from stdin;\n1\t'\n\\N\t;\n\\.\nselect 1;\n\\copy t from stdin\n2\n\\.\nselect 2;\n";
    assert_eq!(statements(script), ["copy t from stdin;", "select 1;", "select 2;"]);
    assert_eq!(rejoin(&split(script, true)), script);
    let data = split(script, true).into_iter().filter(|p| matches!(p, Piece::Data { .. })).count();
    assert_eq!(data, 2);
}

#[test]
fn redshift_reads_backslashes_in_strings() {
    let pieces = split("select 'a\\';b'; x", false);
    assert_eq!(pieces.len(), 2);
}

proptest! {
    #[test]
    fn no_byte_is_lost_or_invented(script in TEXT, plain: bool) {
        let joined = rejoin(&split(&script, plain));
        prop_assert!(same_but_for_escapes(&script, &joined), "{script:?} became {joined:?}");
    }

    #[test]
    fn any_text_is_read(script in "\\PC*", plain: bool) {
        let joined = rejoin(&split(&script, plain));
        prop_assert!(same_but_for_escapes(&script, &joined));
    }

    #[test]
    fn without_variables_nothing_changes(script in TEXT) {
        // A test is replaced even where the variable is not set.
let script = script.replace('\\', "").replace(":{?", "");
        prop_assert_eq!(interpolate(&script, &|_| None), script);
    }

    #[test]
    fn a_value_arrives_whole(value in "[^\\x00\\\\]*") {
        let literal = interpolate("select :'v' as x", &|_| Some(value.clone()));
        prop_assert_eq!(literal, format!("select '{}' as x", value.replace('\'', "''")));
        let identifier = interpolate("select :\"v\"", &|_| Some(value.clone()));
        prop_assert_eq!(identifier, format!("select \"{}\"", value.replace('"', "\"\"")));
    }

    #[test]
    fn a_variable_in_itself_ends(value in "(:v|:w|;|'|a| ){0,12}") {
        let _ = interpolate(":v :w", &|name| Some(if name == "v" { value.clone() } else { ":v".into() }));
    }
}
