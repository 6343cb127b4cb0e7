//! A text as statements.

use rsql_lexer::token::{Kind, Token, tokens};
use rsql_lexer::{Piece, Scanner, Stop};

/// Most statements of a job (Redshift Data API reference, `BatchExecuteStatement`, `Sqls`).
pub const MOST_STATEMENTS: usize = 40;

/// Most bytes of a job's SQL (Redshift Data API guide, "Considerations": 100 KB).
pub const MOST_BYTES: usize = 100 * 1024;

/// Whether a job's statements are one transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transaction {
    /// All of them or none.
    One,
    /// Each by itself.
    Each,
}

/// Why a text is not SQL that the Data API runs.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SplitProblem {
    /// Nothing but blanks and comments.
    #[error("has no statement")]
    Empty,
    /// Over [`MOST_BYTES`].
    #[error("has {0} bytes; at most {MOST_BYTES} are allowed")]
    TooLong(usize),
    /// Over [`MOST_STATEMENTS`].
    #[error("has {0} statements; at most {MOST_STATEMENTS} are allowed")]
    TooMany(usize),
    /// A command of RSQL.
    #[error("line {line}: has the meta command \"\\{name}\", which the Data API does not know")]
    MetaCommand {
        /// From 1.
        line: usize,
        /// Its name.
        name: String,
    },
    /// COPY … FROM STDIN.
    #[error("line {line}: COPY … FROM STDIN takes its rows from the script, which the Data API does not")]
    CopyFromStdin {
        /// From 1.
        line: usize,
    },
    /// A quote, a comment or a parenthesis that nothing closes.
    #[error("line {line}: the statement has no end: a quote, a comment or a parenthesis is not closed")]
    Unclosed {
        /// Where the statement begins, from 1.
        line: usize,
    },
    /// NUL.
    #[error("contains a NUL character")]
    Nul,
    /// A statement that refuses to run within a transaction.
    #[error("line {line}: {statement} cannot run in a transaction with other statements")]
    NotInTransaction {
        /// Where it begins, from 1.
        line: usize,
        /// Its first words.
        statement: String,
    },
    /// BEGIN, COMMIT and the like.
    #[error("line {line}: {statement} begins or ends a transaction, which the job itself does")]
    TransactionControl {
        /// Where it begins, from 1.
        line: usize,
        /// Its first word.
        statement: String,
    },
}

impl SplitProblem {
    /// What to do about it.
    #[must_use]
    pub const fn hint(&self) -> &'static str {
        match self {
            Self::Empty => "write a statement, or leave the job out",
            Self::TooLong(_) | Self::TooMany(_) => "split it into several jobs",
            Self::MetaCommand { .. } | Self::CopyFromStdin { .. } => "write a script for RSQL instead",
            Self::Unclosed { .. } => "close it",
            Self::Nul => "remove it",
            Self::NotInTransaction { .. } => "write \"transaction\": false",
            Self::TransactionControl { .. } => {
                "leave it out; with \"transaction\": false each statement is committed by itself"
            }
        }
    }
}

/// The statements of a text, without their semicolons; comments stay where they are. Texts between semicolons that
/// hold nothing but comments are left out.
///
/// # Errors
/// Everything that is wrong.
pub fn split(sql: &str, transaction: Transaction) -> Result<Vec<String>, Vec<SplitProblem>> {
    split_all(&[sql], transaction)
        .map_err(|problems| problems.into_iter().map(|(_, problem)| problem).collect())
}

/// As [`split`], of several texts that make one job.
///
/// # Errors
/// Everything that is wrong, each with the text that it is in; `None` is all of them together.
pub fn split_all(
    texts: &[&str],
    transaction: Transaction,
) -> Result<Vec<String>, Vec<(Option<usize>, SplitProblem)>> {
    let mut problems = Vec::new();
    let bytes: usize = texts.iter().map(|text| text.len()).sum();
    if bytes > MOST_BYTES {
        let place = (texts.len() == 1).then_some(0);
        // Longer ones are not read any further: reading them is what they would cost.
        return Err(vec![(place, SplitProblem::TooLong(bytes))]);
    }
    let mut statements: Vec<(usize, usize, String)> = Vec::new();
    for (place, text) in texts.iter().enumerate() {
        let mut found = Vec::new();
        let of_text = read(text, &mut found);
        if found.is_empty() && of_text.is_empty() {
            found.push(SplitProblem::Empty);
        }
        problems.extend(found.into_iter().map(|problem| (Some(place), problem)));
        statements.extend(of_text.into_iter().map(|(line, statement)| (place, line, statement)));
    }
    if statements.len() > MOST_STATEMENTS {
        let place = (texts.len() == 1).then_some(0);
        problems.push((place, SplitProblem::TooMany(statements.len())));
    }
    for (place, line, statement) in &statements {
        if let Some(control) = transaction_control(statement) {
            let problem = SplitProblem::TransactionControl { line: *line, statement: control };
            problems.push((Some(*place), problem));
        }
        if transaction == Transaction::One
            && statements.len() > 1
            && let Some(statement) = alone(statement)
        {
            problems.push((Some(*place), SplitProblem::NotInTransaction { line: *line, statement }));
        }
    }
    if statements.is_empty() && problems.is_empty() {
        problems.push((None, SplitProblem::Empty));
    }
    if problems.is_empty() {
        Ok(statements.into_iter().map(|(_, _, statement)| statement).collect())
    } else {
        Err(problems)
    }
}

/// The statements of one text, each with the line where it begins.
fn read(sql: &str, problems: &mut Vec<SplitProblem>) -> Vec<(usize, String)> {
    if sql.contains('\0') {
        problems.push(SplitProblem::Nul);
    }
    let mut statements: Vec<(usize, String)> = Vec::new();
    for piece in &rsql_lexer::split(sql, false) {
        match piece {
            Piece::Sql { text, line, complete } => {
                let bare = if *complete { text.strip_suffix(';').unwrap_or(text) } else { text };
                let all = tokens(bare, false);
                let Some(first) = all.iter().find(|token| !token.is_quiet()) else {
                    if !complete && ends_open(bare) {
                        problems.push(SplitProblem::Unclosed { line: *line });
                    }
                    continue;
                };
                let line = line + bare[..first.start].matches('\n').count();
                if rsql_lexer::is_copy_from_stdin(bare) {
                    problems.push(SplitProblem::CopyFromStdin { line });
                } else if !complete && ends_open(bare) {
                    problems.push(SplitProblem::Unclosed { line });
                }
                statements.push((line, bare.trim().to_owned()));
            }
            Piece::Meta { text, line, .. } => {
                let name: String = text.chars().take_while(|c| !c.is_whitespace()).take(20).collect();
                problems.push(SplitProblem::MetaCommand { line: *line, name });
            }
            Piece::Data { .. } => {}
        }
    }
    statements
}

/// What a user should know of statements that run as one transaction: TRUNCATE commits it in Redshift (Redshift
/// developer guide, "TRUNCATE"), though not in PostgreSQL.
#[must_use]
pub fn warnings(statements: &[String], transaction: Transaction) -> Vec<String> {
    if transaction == Transaction::Each || statements.len() < 2 {
        return Vec::new();
    }
    statements
        .iter()
        .enumerate()
        .filter(|(_, statement)| words(statement).first().is_some_and(|word| word == "truncate"))
        .map(|(i, _)| {
            format!(
                "statement {}: TRUNCATE commits the transaction in Redshift; what comes before it is not undone",
                i + 1
            )
        })
        .collect()
}

/// Whether a text ends within a quote, a comment or parentheses.
fn ends_open(text: &str) -> bool {
    let mut scanner = Scanner::new(false);
    let mut out = String::new();
    for line in text.split('\n') {
        scanner.feed(line);
        while scanner.scan(None, &mut out) != Stop::Eol {}
    }
    !scanner.is_plain()
}

/// The first words, in lower case.
pub(super) fn words(statement: &str) -> Vec<String> {
    tokens(statement, false)
        .iter()
        .filter(|token| !token.is_quiet())
        .take_while(|token: &&Token| token.kind == Kind::Word)
        .take(4)
        .map(|token| token.text.to_ascii_lowercase())
        .collect()
}

fn transaction_control(statement: &str) -> Option<String> {
    let words = words(statement);
    let first = words.first()?;
    let controls = matches!(first.as_str(), "begin" | "commit" | "end" | "rollback" | "abort")
        || (first == "start" && words.get(1).is_some_and(|word| word == "transaction"));
    controls.then(|| first.to_ascii_uppercase())
}

/// Statements that refuse to run within a transaction (Redshift developer guide, at each of them).
fn alone(statement: &str) -> Option<String> {
    let words = words(statement);
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let shown = match words.as_slice() {
        ["vacuum", ..] => "VACUUM".to_owned(),
        [verb @ ("create" | "drop" | "alter"), what @ ("database" | "external" | "datashare"), ..] => {
            format!("{} {}", verb.to_uppercase(), what.to_uppercase())
        }
        ["alter", "table", ..] if appends(statement) => "ALTER TABLE … APPEND".to_owned(),
        _ => return None,
    };
    Some(shown)
}

fn appends(statement: &str) -> bool {
    tokens(statement, false).iter().any(|token| token.is("append"))
}
