//! `\i`, `\ir`, `\run`.

use std::io;
use std::path::{Path, PathBuf};

use super::dispatch::{Context, Fail};
use crate::session::{Source, run as run_script};

/// How deep scripts may include each other.
const DEEPEST: usize = 64;

/// What the system says about a file, without Rust's `(os error N)`.
pub(crate) fn reason(e: &io::Error) -> String {
    let text = e.to_string();
    text.split(" (os error").next().unwrap_or(&text).to_owned()
}

/// The name behind `file=`, out of its double quotes, or out of the single ones that `:'name'` puts around a value.
pub(super) fn file_name(value: &str) -> String {
    let value = value.trim_end_matches(';');
    let single = value.strip_prefix('\'').and_then(|v| v.strip_suffix('\''));
    single.map_or_else(|| value.trim_matches('"').to_owned(), |inner| inner.replace("''", "'"))
}

pub(super) fn include(context: &mut Context<'_, '_>, relative: bool) -> Result<(), Fail> {
    let name = context.required()?;
    let mut path = PathBuf::from(&name);
    if relative && let Some(directory) = &context.source.directory {
        path = directory.join(path);
    }
    include_file(context, &path, 0)
}

/// `\run file=F skip=N`.
pub(super) fn run(context: &mut Context<'_, '_>) -> Result<(), Fail> {
    let mut words = context.args()?.join("\u{0}").replace("\u{0}=", "=").replace("=\u{0}", "=");
    words.push('\u{0}');
    let (mut file, mut skip) = (None, 0);
    for word in words.split('\u{0}').map(|w| w.trim_end_matches([';', ','])).filter(|w| !w.is_empty()) {
        let (key, value) = word.split_once('=').unwrap_or(("file", word));
        match key.to_ascii_lowercase().as_str() {
            "file" => file = Some(file_name(value)),
            "skip" => {
                skip = value.parse().map_err(|_| Fail::Say(format!("\\run: skip={value} is no number")))?;
            }
            _ => return Err(Fail::Say(format!("\\run: unknown option \"{key}\""))),
        }
    }
    let file = file.ok_or_else(|| Fail::Say("\\run: missing required argument".into()))?;
    include_file(context, Path::new(&file), skip)
}

fn include_file(context: &mut Context<'_, '_>, path: &Path, skip: usize) -> Result<(), Fail> {
    if context.session.places.len() >= DEEPEST {
        return Err(Fail::Say(format!("{}: scripts include each other too deeply", path.display())));
    }
    let open = |e: &io::Error| Fail::Say(format!("{}: {}", path.display(), reason(e)));
    let mut source = Source::file(path).map_err(|e| open(&e))?;
    if skip > 0 {
        let mut skipped = 0;
        while skipped < skip && source.next_line().map_err(|e| open(&e))?.is_some() {
            skipped += 1;
        }
        context.session.say(&format!("{skipped} records skipped in RUN file."))?;
    }
    Ok(run_script(context.session, &mut source)?)
}
