//! Which commands there are.

/// How a command's arguments end, for passing over them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Known {
    /// At another backslash.
    Args,
    /// At the end of the line.
    Line,
}

const ARGS: &[&str] = &[
    "if",
    "elif",
    "elseif",
    "else",
    "endif",
    "goto",
    "label",
    "exit",
    "quit",
    "q",
    "echo",
    "qecho",
    "warn",
    "remark",
    "p",
    "print",
    "r",
    "reset",
    "w",
    "write",
    "set",
    "unset",
    "setenv",
    "gset",
    "rset",
    "i",
    "include",
    "ir",
    "include_relative",
    "run",
    "cd",
    "o",
    "out",
    "g",
    "gx",
    "a",
    "t",
    "x",
    "H",
    "html",
    "f",
    "C",
    "T",
    "pset",
    "timing",
    "connect",
    "c",
    "logon",
    "conninfo",
    "encoding",
    "export",
    "errverbose",
    "?",
    "l",
    "list",
    "z",
    "sv",
];

const LINE: &[&str] = &["!", "os", "copy"];

/// The command of that name, in its own spelling: as written, else in lower case. Single letters keep
/// their case, for `\t` and `\T` differ.
pub(crate) fn known(name: &str) -> Option<(String, Known)> {
    let lower = name.to_ascii_lowercase();
    let spellings = if name.len() > 1 { vec![name, lower.as_str()] } else { vec![name] };
    for spelling in &spellings {
        let bare = spelling.trim_end_matches('+');
        if ARGS.contains(spelling) || (matches!(bare, "l" | "list" | "sv") && bare != *spelling) {
            return Some(((*spelling).to_owned(), Known::Args));
        }
        if LINE.contains(spelling) {
            return Some(((*spelling).to_owned(), Known::Line));
        }
    }
    spellings.iter().find(|s| is_describe(s)).map(|s| ((*s).to_owned(), Known::Args))
}

/// `\d`, `\dt+`, `\dfS` and so on.
fn is_describe(name: &str) -> bool {
    let Some(rest) = name.strip_prefix('d') else { return false };
    let kind = rest.trim_end_matches(['S', '+']);
    matches!(kind, "" | "C" | "d" | "e" | "L" | "m" | "n" | "p" | "u" | "g")
        || kind.bytes().all(|b| b"tvmisE".contains(&b))
        || kind.strip_prefix('f').is_some_and(|k| k.bytes().all(|b| b"anptw".contains(&b)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        for name in ["IF", "if", "Remark", "EXIT", "dt+", "dfnS", "d", "H", "!", "OS", "dC", "dL", "l+", "DT"]
        {
            assert!(known(name).is_some(), "{name}");
        }
        for name in ["h", "bogus", "Q", "dz", "gexec", "format"] {
            assert!(known(name).is_none(), "{name}");
        }
        assert_eq!(known("T").map(|k| k.0), Some("T".into()));
        assert_eq!(known("PSET").map(|k| k.0), Some("pset".into()));
    }
}
