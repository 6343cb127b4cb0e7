//! `\copy`: COPY with the client's files.

use std::io::BufReader;
use std::path::Path;
use std::process::{Command, Stdio};

use super::dispatch::{Context, Fail};
use super::input::reason;
use crate::dialect::Step;
use crate::lexer::token::{Kind, Token, tokens};
use crate::session::{Halt, QueryTarget, Source};

/// The client's end.
#[derive(Debug, PartialEq, Eq)]
enum End {
    /// The script's own lines, or standard output.
    Here,
    File(String),
    Program(String),
}

/// A `\copy`, taken apart.
#[derive(Debug, PartialEq, Eq)]
struct Parts {
    statement: String,
    from: bool,
    end: End,
}

pub(super) fn copy(context: &mut Context<'_, '_>) -> Result<(), Fail> {
    let line = context.lexer.whole_line().to_owned();
    let parts = parse(&line).map_err(|near| Fail::Say(format!("\\copy: parse error at {near}")))?;
    let steps = [Step::Sql(parts.statement.clone())];
    if context.session.settings.dry_run {
        if parts.from && parts.end == End::Here {
            while context.source.next_line()?.is_some_and(|line| line.trim_end_matches('\r') != "\\.") {}
        }
        return Ok(context.session.say(&parts.statement)?);
    }
    let ok = match (parts.from, parts.end) {
        (true, End::Here) => {
            context.session.send_steps(&line, &steps, context.source, &QueryTarget::Print)?
        }
        (true, End::File(name)) => {
            let opened = Source::file(Path::new(&name));
            let mut source = opened.map_err(|e| Fail::Say(format!("{name}: {}", reason(&e))))?;
            context.session.send_steps(&line, &steps, &mut source, &QueryTarget::Print)?
        }
        (true, End::Program(program)) => from_program(context, &line, &steps, &program)?,
        (false, end) => {
            let target = match end {
                End::Here => QueryTarget::Print,
                End::File(name) => QueryTarget::PrintTo(Some(name), Box::default()),
                End::Program(program) => QueryTarget::PrintTo(Some(format!("|{program}")), Box::default()),
            };
            std::io::Write::flush(&mut context.session.console)?;
            context.session.send_steps(&line, &steps, context.source, &target)?
        }
    };
    if ok { Ok(()) } else { Err(Fail::Said) }
}

fn from_program(
    context: &mut Context<'_, '_>,
    line: &str,
    steps: &[Step],
    program: &str,
) -> Result<bool, Fail> {
    let failed = |e: &std::io::Error| Fail::Say(format!("{program}: {}", reason(e)));
    // The program is the script author's own text, as in psql.
    let mut child = Command::new("/bin/sh")
        .args(["-c", program])
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|e| failed(&e))?;
    let Some(output) = child.stdout.take() else { return Ok(false) };
    let mut source = Source::reader(program, Box::new(BufReader::new(output)));
    let sent: Result<bool, Halt> = context.session.send_steps(line, steps, &mut source, &QueryTarget::Print);
    drop(source);
    let status = child.wait().map_err(|e| failed(&e))?;
    if !status.success() {
        return Err(Fail::Say(format!("{program}: {status}")));
    }
    Ok(sent?)
}

/// Finds `FROM|TO end` outside of parentheses and puts STDIN or STDOUT in its place.
fn parse(line: &str) -> Result<Parts, String> {
    let all = tokens(line.trim().trim_end_matches(';'), true);
    let mut depth = 0;
    let mut word = None;
    for (index, token) in all.iter().enumerate() {
        depth += i32::from(token.is_symbol("(")) - i32::from(token.is_symbol(")"));
        if depth == 0 && (token.is("from") || token.is("to")) {
            word = Some(index);
            break;
        }
    }
    let end_of_line = || "end of line".to_owned();
    let word = word.ok_or_else(end_of_line)?;
    let from = all[word].is("from");
    let join = |part: &[Token]| part.iter().map(|t| t.text.as_str()).collect::<String>();
    let mut rest = word + 1;
    let skip = |at: &mut usize| {
        while all.get(*at).is_some_and(Token::is_quiet) {
            *at += 1;
        }
    };
    skip(&mut rest);
    let first = all.get(rest).ok_or_else(end_of_line)?;
    let end = if first.is("program") {
        rest += 1;
        skip(&mut rest);
        let command = all.get(rest).filter(|t| t.kind == Kind::Text).ok_or_else(end_of_line)?;
        rest += 1;
        End::Program(unquote(&command.text))
    } else if first.kind == Kind::Text {
        rest += 1;
        End::File(unquote(&first.text))
    } else {
        let mut name = String::new();
        while let Some(token) = all.get(rest).filter(|t| !t.is_quiet()) {
            name.push_str(&token.text);
            rest += 1;
        }
        match name.to_ascii_lowercase().as_str() {
            "stdin" | "stdout" | "pstdin" | "pstdout" => End::Here,
            _ => End::File(name),
        }
    };
    let stream = if from { "FROM STDIN" } else { "TO STDOUT" };
    let statement = format!("COPY {} {stream}{}", join(&all[..word]).trim(), join(&all[rest..]));
    Ok(Parts { statement, from, end })
}

fn unquote(text: &str) -> String {
    text.trim_matches('\'').replace("''", "'")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_the_line_apart() {
        let parts = parse("t (a, b) from 'my file.csv' with csv").expect("valid");
        assert_eq!(parts.statement, "COPY t (a, b) FROM STDIN with csv");
        assert_eq!(parts.end, End::File("my file.csv".into()));
        let parts = parse("(select 1 from x) TO stdout").expect("valid");
        assert_eq!((parts.statement.as_str(), parts.end), ("COPY (select 1 from x) TO STDOUT", End::Here));
        let parts = parse("t from /tmp/a.csv csv").expect("valid");
        assert_eq!(parts.end, End::File("/tmp/a.csv".into()));
        assert!(parse("t").is_err());
        assert!(parse("t from").is_err());
    }
}
