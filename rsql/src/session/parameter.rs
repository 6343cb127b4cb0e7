//! Named parameters of a statement, `:name`, as the Redshift Data API has them: they are bound, never written into the
//! text.

use std::ops::Range;

use crate::connection::ServerError;
use crate::lexer::token::{Kind, Token, tokens};

/// A parameter with its value.
#[derive(Clone, Copy)]
pub struct Parameter<'a> {
    /// The name, without the colon.
    pub name: &'a str,
    /// The value as text. The server infers its type, as it does for a literal.
    pub value: &'a str,
}

/// The names behind the colons of a statement, in order; not those in strings, comments and quoted names.
#[must_use]
pub fn parameter_names(sql: &str) -> Vec<&str> {
    places(sql, &tokens(sql, false)).into_iter().map(|place| &sql[place.start + 1..place.end]).collect()
}

/// Where `:name` stands, with its colon.
fn places(sql: &str, all: &[Token]) -> Vec<Range<usize>> {
    let behind = |index: usize| all.get(index + 1).map(|next| next.kind);
    all.iter()
        .enumerate()
        .filter(|(index, token)| {
            token.is_symbol(":") && matches!(behind(*index), Some(Kind::Word | Kind::Number))
        })
        .filter_map(|(_, token)| {
            let rest = &sql[token.start + 1..];
            let length = rest.bytes().take_while(|b| b.is_ascii_alphanumeric() || *b == b'_').count();
            (length > 0).then_some(token.start..token.start + 1 + length)
        })
        .collect()
}

/// Whether a token is `$1` or the like.
fn position(token: &Token) -> Option<usize> {
    token.text.strip_prefix('$').filter(|_| token.kind == Kind::Symbol)?.parse().ok()
}

/// The statement with `$1`, `$2` and so on in place of the names that have a value; each number is the parameter's
/// place in `parameters`, from 1.
///
/// # Errors
/// If the statement has such numbers of its own: they would get these values.
pub(super) fn numbered(sql: &str, parameters: &[Parameter<'_>]) -> Result<String, Box<ServerError>> {
    let all = tokens(sql, false);
    if let Some(number) = all.iter().find_map(position) {
        return Err(Box::new(ServerError::client("42P02", format!("there is no parameter ${number}"))));
    }
    let mut text = String::with_capacity(sql.len());
    let mut done = 0;
    for place in places(sql, &all) {
        let name = &sql[place.start + 1..place.end];
        let Some(index) = parameters.iter().position(|parameter| parameter.name == name) else { continue };
        text.push_str(&sql[done..place.start]);
        // `a:b` must not become the name `a$1`.
        if text.ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == '$') {
            text.push(' ');
        }
        text.push_str(&format!("${}", index + 1));
        done = place.end;
    }
    text.push_str(&sql[done..]);
    Ok(text)
}

/// A text with its numbers counted from 1 without a gap, and which parameters they are: of several statements that one
/// was translated to, each is sent with the values that it has.
pub(super) fn compacted(sql: &str) -> (String, Vec<usize>) {
    let mut used = Vec::new();
    let text = tokens(sql, false)
        .into_iter()
        .map(|token| {
            let Some(number) = position(&token) else { return token.text };
            let index = used.iter().position(|n| *n == number).unwrap_or_else(|| {
                used.push(number);
                used.len() - 1
            });
            format!("${}", index + 1)
        })
        .collect();
    (text, used)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all<'a>(names: &[&'a str]) -> Vec<Parameter<'a>> {
        names.iter().map(|name| Parameter { name, value: "v" }).collect()
    }

    #[test]
    fn names_are_found_outside_of_strings_comments_and_casts() {
        let sql = "select :a, 'x :b', \":c\", x::int, y := 2 -- :d\n/* :e */, $t$ :f $t$ where t=:g_1 and u = :2019";
        assert_eq!(parameter_names(sql), ["a", "g_1", "2019"]);
        assert_eq!(parameter_names("select 'T01:30', a : b"), Vec::<&str>::new());
    }

    #[test]
    fn names_become_numbers_and_numbers_are_compacted() {
        let text = numbered("select :b, :a, x:a, :other, ':a'", &all(&["a", "b"])).unwrap();
        assert_eq!(text, "select $2, $1, x $1, :other, ':a'");
        assert_eq!(compacted("select $3, $1, $3, '$2'"), ("select $1, $2, $1, '$2'".to_owned(), vec![3, 1]));
        assert!(numbered("select $1, :a", &all(&["a"])).unwrap_err().to_string().contains("$1"));
    }

    proptest::proptest! {
        #[test]
        fn without_a_value_nothing_changes(sql in "[a-c:_ '\"$/*;\\n-]*") {
            if let Ok(text) = numbered(&sql, &[]) {
                proptest::prop_assert_eq!(text, sql);
            }
        }

        #[test]
        fn no_named_parameter_stays(sql in "[ab:, ='\\n-]*") {
            let text = numbered(&sql, &all(&["a", "b", "aa", "ab", "ba", "bb"])).unwrap();
            let left = parameter_names(&text).into_iter().any(|name| name.len() <= 1);
            proptest::prop_assert!(!left, "{}", text);
        }
    }
}
