//! The messages between agent and guard: one line each, a word and its numbers.
//!
//! Only the program to start does not fit into a line: it follows its line as a number of bytes ([`super::Launch`]).

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use crate::clock::BootTime;
use crate::lease::Deadline;

/// The user and group that a script runs as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunAs {
    /// User id.
    pub user: u32,
    /// Group id. Supplementary groups are dropped.
    pub group: u32,
}

/// Settings of a script, except its program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Start {
    /// The deadline.
    pub deadline: Deadline,
    /// Grace period between SIGTERM and SIGKILL.
    pub grace: Duration,
    /// How long processes that the script leaves running may continue after it.
    pub linger: Duration,
    /// The user and group to run as, if they are not the guard's.
    pub run_as: Option<RunAs>,
}

/// The first message of a try: start a script.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Its settings.
    pub start: Start,
    /// Number of bytes after the line: the program to start.
    pub body: usize,
    /// Whether a second descriptor follows the first, which is for the script's output: a file that stays open while any process
    /// of the script runs.
    pub kept: bool,
}

/// A command of the agent for a running script.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GuardCommand {
    /// The lease was renewed.
    Extend(Deadline),
    /// Stop the script: SIGTERM, grace, SIGKILL.
    Stop,
    /// Kill the script at once.
    Kill,
}

/// A report of the guard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Report {
    /// The script runs, with this process id, which is also its process group.
    Started(i32),
    /// The deadline had passed before the script could be started.
    Late,
    /// The operating system would not start it (`errno`).
    Unstartable(i32),
    /// The deadline was not extended in time, so the guard ends the script.
    Overdue,
    /// The script ended by itself.
    Exited(i32),
    /// The script died by a signal.
    Signalled(i32),
    /// Script and descendants have ended. The number of processes that outlived the script and were ended.
    Gone(u32),
}

impl Report {
    /// Whether it is the last report of its try, so that the guard is free.
    #[must_use]
    pub const fn is_last(&self) -> bool {
        matches!(self, Self::Late | Self::Unstartable(_) | Self::Gone(_))
    }
}

/// A line that is not a valid message.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("invalid message between agent and guard: {0:?}")]
pub struct NotAMessage(pub String);

impl fmt::Display for Header {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { start: Start { deadline, grace, linger, run_as }, body, kept } = self;
        let (term, kill) = (deadline.term_at.as_nanos(), deadline.kill_at.as_nanos());
        let (grace, linger) = (grace.as_millis(), linger.as_millis());
        write!(f, "start {body} {} {term} {kill} {grace} {linger}", u8::from(*kept))?;
        match run_as {
            Some(RunAs { user, group }) => write!(f, " {user} {group}"),
            None => Ok(()),
        }
    }
}

impl FromStr for Header {
    type Err = NotAMessage;

    fn from_str(line: &str) -> Result<Self, NotAMessage> {
        let wrong = || NotAMessage(line.to_owned());
        let ("start", numbers) = split::<u64>(line).ok_or_else(wrong)? else { return Err(wrong()) };
        let (&[body, kept @ 0..=1, term, kill, grace, linger], rest) =
            numbers.split_first_chunk().ok_or_else(wrong)?
        else {
            return Err(wrong());
        };
        let id = |number: u64| u32::try_from(number).map_err(|_| wrong());
        let run_as = match *rest {
            [] => None,
            [user, group] => Some(RunAs { user: id(user)?, group: id(group)? }),
            _ => return Err(wrong()),
        };
        Ok(Self {
            start: Start {
                deadline: deadline(term, kill),
                grace: Duration::from_millis(grace),
                linger: Duration::from_millis(linger),
                run_as,
            },
            body: usize::try_from(body).map_err(|_| wrong())?,
            kept: kept == 1,
        })
    }
}

impl fmt::Display for GuardCommand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Extend(deadline) => {
                write!(f, "extend {} {}", deadline.term_at.as_nanos(), deadline.kill_at.as_nanos())
            }
            Self::Stop => f.write_str("stop"),
            Self::Kill => f.write_str("kill"),
        }
    }
}

impl FromStr for GuardCommand {
    type Err = NotAMessage;

    fn from_str(line: &str) -> Result<Self, NotAMessage> {
        let wrong = || NotAMessage(line.to_owned());
        let (word, numbers) = split::<u64>(line).ok_or_else(wrong)?;
        match (word, numbers.as_slice()) {
            ("extend", &[term, kill]) => Ok(Self::Extend(deadline(term, kill))),
            ("stop", []) => Ok(Self::Stop),
            ("kill", []) => Ok(Self::Kill),
            _ => Err(wrong()),
        }
    }
}

fn deadline(term: u64, kill: u64) -> Deadline {
    Deadline { term_at: BootTime::from_nanos(term), kill_at: BootTime::from_nanos(kill) }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Started(pid) => write!(f, "started {pid}"),
            Self::Late => f.write_str("late"),
            Self::Overdue => f.write_str("overdue"),
            Self::Unstartable(errno) => write!(f, "unstartable {errno}"),
            Self::Exited(code) => write!(f, "exited {code}"),
            Self::Signalled(signal) => write!(f, "signalled {signal}"),
            Self::Gone(ended) => write!(f, "gone {ended}"),
        }
    }
}

impl FromStr for Report {
    type Err = NotAMessage;

    fn from_str(line: &str) -> Result<Self, NotAMessage> {
        let wrong = || NotAMessage(line.to_owned());
        let (word, numbers) = split::<i32>(line).ok_or_else(wrong)?;
        match (word, numbers.as_slice()) {
            ("started", &[pid]) => Ok(Self::Started(pid)),
            ("late", []) => Ok(Self::Late),
            ("overdue", []) => Ok(Self::Overdue),
            ("unstartable", &[errno]) => Ok(Self::Unstartable(errno)),
            ("exited", &[code]) => Ok(Self::Exited(code)),
            ("signalled", &[signal]) => Ok(Self::Signalled(signal)),
            ("gone", &[ended]) => u32::try_from(ended).map(Self::Gone).map_err(|_| wrong()),
            _ => Err(wrong()),
        }
    }
}

fn split<N: FromStr>(line: &str) -> Option<(&str, Vec<N>)> {
    let mut words = line.split(' ');
    let word = words.next()?;
    let numbers = words.map(|number| number.parse().ok()).collect::<Option<_>>()?;
    Some((word, numbers))
}

/// Splits received bytes into lines of at most [`Lines::LONGEST`] bytes. It has no `Debug`, because the data after a line
/// contains a password.
#[derive(Default)]
pub struct Lines(Vec<u8>);

impl Lines {
    /// Maximum length of a valid line.
    pub const LONGEST: usize = 256;

    /// Appends received bytes.
    pub fn push(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    /// The next complete line, without its end.
    ///
    /// # Errors
    /// [`NotAMessage`] if it is too long.
    pub fn next_line(&mut self) -> Result<Option<String>, NotAMessage> {
        match self.0.iter().position(|&byte| byte == b'\n') {
            Some(end) => {
                let line: Vec<u8> = self.0.drain(..=end).take(end).collect();
                Ok(Some(String::from_utf8_lossy(&line).into_owned()))
            }
            None if self.0.len() > Self::LONGEST => Err(NotAMessage("a line is too long".to_owned())),
            None => Ok(None),
        }
    }

    /// The bytes that follow the last line, if they are complete.
    pub fn take(&mut self, count: usize) -> Option<Vec<u8>> {
        (self.0.len() >= count).then(|| self.0.drain(..count).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn deadline() -> impl Strategy<Value = Deadline> {
        (any::<u64>(), any::<u64>()).prop_map(|(term, kill)| Deadline {
            term_at: BootTime::from_nanos(term),
            kill_at: BootTime::from_nanos(kill),
        })
    }

    fn header() -> impl Strategy<Value = Header> {
        let run_as = any::<Option<(u32, u32)>>();
        (deadline(), any::<u64>(), any::<u64>(), run_as, 0usize..100, any::<bool>()).prop_map(
            |(deadline, grace, linger, run_as, body, kept)| Header {
                start: Start {
                    deadline,
                    grace: Duration::from_millis(grace),
                    linger: Duration::from_millis(linger),
                    run_as: run_as.map(|(user, group)| RunAs { user, group }),
                },
                body,
                kept,
            },
        )
    }

    fn order() -> impl Strategy<Value = GuardCommand> {
        prop_oneof![
            deadline().prop_map(GuardCommand::Extend),
            Just(GuardCommand::Stop),
            Just(GuardCommand::Kill)
        ]
    }

    fn report() -> impl Strategy<Value = Report> {
        prop_oneof![
            any::<i32>().prop_map(Report::Started),
            Just(Report::Late),
            Just(Report::Overdue),
            any::<i32>().prop_map(Report::Unstartable),
            any::<i32>().prop_map(Report::Exited),
            any::<i32>().prop_map(Report::Signalled),
            (0..=i32::MAX as u32).prop_map(Report::Gone),
        ]
    }

    proptest! {
        #[test]
        fn messages_arrive_as_sent_however_they_are_cut(
            header in header(), orders in proptest::collection::vec(order(), 0..6), size in 1usize..40,
        ) {
            // As a body may be, so that nobody takes a part of it for a line.
            let body = b"\nstop\n\0".iter().copied().cycle().take(header.body).collect::<Vec<_>>();
            let mut sent = format!("{header}\n").into_bytes();
            sent.extend_from_slice(&body);
            orders.iter().for_each(|order| sent.extend_from_slice(format!("{order}\n").as_bytes()));
            let (mut lines, mut first, mut got_body, mut got) = (Lines::default(), None, None, Vec::new());
            for piece in sent.chunks(size) {
                lines.push(piece);
                if first.is_none() {
                    first = lines.next_line().unwrap().map(|line| {
                        assert!(line.len() <= Lines::LONGEST);
                        line.parse::<Header>().unwrap()
                    });
                }
                if let (Some(header), None) = (&first, &got_body) {
                    got_body = lines.take(header.body);
                }
                while got_body.is_some() && let Some(line) = lines.next_line().unwrap() {
                    got.push(line.parse::<GuardCommand>().unwrap());
                }
            }
            prop_assert_eq!((first, got_body, got), (Some(header), Some(body), orders));
        }

        #[test]
        fn reports_round_trip(report in report()) {
            prop_assert_eq!(report.to_string().parse::<Report>().unwrap(), report);
        }

        #[test]
        fn nonsense_is_refused(line in ".*|(start|extend)( [0-9]{0,3}){0,5}") {
            if let Ok(order) = line.parse::<GuardCommand>() {
                prop_assert_eq!(order.to_string().parse::<GuardCommand>().unwrap(), order);
            }
            prop_assert!(line.parse::<Header>().is_err());
            let _ = line.parse::<Report>();
        }
    }

    #[test]
    fn a_line_without_an_end_is_refused() {
        let mut lines = Lines::default();
        lines.push(&[b'x'; Lines::LONGEST + 1]);
        assert!(lines.next_line().is_err());
    }
}
