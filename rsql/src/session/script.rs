//! The loop over a script's lines.

use super::control::Mark;
use super::state::Place;
use super::{Control, Echo, Halt, QueryTarget, Session, Source};
use crate::lexer::token::tokens;
use crate::lexer::{Scanner, SlashLexer, Stop};
use crate::meta;

/// The statement being read, and the machines that read it.
pub(crate) struct Buffer {
    /// Its text so far.
    pub(crate) text: String,
    /// The splitter.
    pub(crate) scanner: Scanner,
    /// Which lines run.
    pub(crate) control: Control,
    /// The line on which the statement began, after blanks and comments.
    start: usize,
    /// Whether it has begun.
    begun: bool,
}

impl Buffer {
    fn mark(&self) -> Mark {
        Mark { length: self.text.len(), depth: self.scanner.depth() }
    }

    /// Where the statement stands; see [`Control`].
    pub(crate) fn branch_mark(&self) -> Mark {
        if self.control.active() { self.mark() } else { self.control.mark() }
    }

    /// Takes the statement out.
    pub(crate) fn take(&mut self) -> String {
        self.scanner.reset();
        self.begun = false;
        std::mem::take(&mut self.text)
    }

    /// Keeps [`Self::start`] right; `line` is about to be read.
    fn line_begins(&mut self, line: usize) {
        if self.text.is_empty() {
            self.begun = false;
        }
        if !self.begun {
            self.begun = tokens(&self.text, false).iter().any(|token| !token.is_quiet());
        }
        if !self.begun {
            self.start = line;
        }
    }
}

/// Runs a script to its end.
///
/// # Errors
/// If the session ends by it.
pub(crate) fn run(session: &mut Session, source: &mut Source) -> Result<(), Halt> {
    session.places.push(Place { name: source.name.clone(), line: 0 });
    let outcome = lines(session, source);
    session.places.pop();
    outcome
}

fn lines(session: &mut Session, source: &mut Source) -> Result<(), Halt> {
    let mut buffer = Buffer {
        text: String::new(),
        scanner: Scanner::new(session.plain_backslash()),
        control: Control::default(),
        start: 1,
        begun: false,
    };
    loop {
        if let Some(code) = session.signalled() {
            return Err(Halt::Exit(code));
        }
        if session.settings.interactive && session.places.len() == 1 {
            meta::prompt(session, buffer.text.trim().is_empty())?;
        }
        let line = match source.next_line() {
            Ok(Some(line)) => line,
            Ok(None) => break,
            Err(e) => {
                session.complain_here(&format!("error: could not read the script: {e}"))?;
                return Err(Halt::Exit(1));
            }
        };
        // A person may type these without a backslash, as the banner says.
        let line = match line.trim() {
            "help" if session.settings.interactive && buffer.text.trim_ascii().is_empty() => "\\?".into(),
            "quit" | "exit" if session.settings.interactive && buffer.text.trim_ascii().is_empty() => {
                "\\q".into()
            }
            _ => line,
        };
        // As psql: an empty line is neither shown nor kept, unless a quote is open.
        if line.is_empty() && !buffer.scanner.in_quote() {
            continue;
        }
        if session.echo() == Echo::All && !session.settings.interactive {
            session.say(&line)?;
        }
        one_line(session, source, &mut buffer, &line)?;
        if session.settings.interactive {
            std::io::Write::flush(&mut session.console)?;
        }
    }
    finish(session, source, &mut buffer)
}

fn at(session: &mut Session, line: usize) {
    if let Some(place) = session.places.last_mut() {
        place.line = line;
    }
}

fn one_line(session: &mut Session, source: &mut Source, buffer: &mut Buffer, line: &str) -> Result<(), Halt> {
    buffer.scanner.set_plain_backslash(session.plain_backslash());
    let mut broken = None;
    if buffer.control.active() && !buffer.text.trim_ascii().is_empty() {
        buffer.text.push('\n');
        broken = Some(buffer.text.len());
    }
    buffer.scanner.feed(line);
    loop {
        buffer.line_begins(source.line());
        let active = buffer.control.active();
        let variables = &session.variables;
        let lookup = |name: &str| variables.get(name).map(str::to_owned);
        let stop = buffer.scanner.scan(active.then_some(&lookup), &mut buffer.text);
        if !active {
            // A branch that does not run leaves no text behind.
            let mark = buffer.control.mark();
            buffer.text.truncate(mark.length);
        }
        match stop {
            Stop::Semicolon if active => {
                let sql = buffer.take();
                at(session, buffer.start);
                session.send(&sql, source, &QueryTarget::Print)?;
            }
            Stop::Semicolon => {}
            Stop::Backslash => {
                // A line that holds nothing but a command adds no line to the statement.
                if broken.take() == Some(buffer.text.len()) {
                    buffer.text.pop();
                }
                at(session, source.line());
                command(session, source, buffer)?;
            }
            Stop::Eol => break,
        }
    }
    Ok(())
}

fn command(session: &mut Session, source: &mut Source, buffer: &mut Buffer) -> Result<(), Halt> {
    let rest = buffer.scanner.rest().to_owned();
    let mut lexer = SlashLexer::new(&rest);
    let ok = meta::dispatch(session, source, buffer, &mut lexer)?;
    std::io::Write::flush(&mut session.console)?;
    if ok {
        lexer.finish();
        buffer.scanner.advance(lexer.position());
        return Ok(());
    }
    // What stands behind a command that failed is not to be trusted.
    buffer.scanner.advance(rest.len());
    if session.variables.is_on("ON_ERROR_STOP") && !session.settings.interactive {
        return Err(Halt::Exit(3));
    }
    Ok(())
}

/// What is left at the end: a statement without its semicolon is sent, as psql does.
fn finish(session: &mut Session, source: &mut Source, buffer: &mut Buffer) -> Result<(), Halt> {
    if let Err(error) = buffer.control.finish() {
        at(session, source.line());
        session.complain_here(&format!("error: {error}"))?;
        return Err(Halt::Exit(3));
    }
    if !buffer.text.trim_ascii().is_empty() && !session.settings.interactive {
        let sql = buffer.take();
        at(session, buffer.start);
        session.send(&sql, source, &QueryTarget::Print)?;
    }
    Ok(())
}
