//! What agent and guard say to each other: one message a line, a word and its numbers.
//!
//! Program, arguments and environment are not among them: they are in the guard's own argv and environment, so
//! nothing needs quoting.

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
    /// Group id; supplementary groups are dropped.
    pub group: u32,
}

/// The first message to a guard: without it nothing is started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Start {
    /// When it has to be over.
    pub deadline: Deadline,
    /// From SIGTERM to SIGKILL.
    pub grace: Duration,
    /// How long what a script has left running may go on after the script's own end.
    pub linger: Duration,
    /// The user and group to run as, if not the guard's own.
    pub run_as: Option<RunAs>,
}

/// What an agent tells its guard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Start the script. Once, and first.
    Start(Start),
    /// The lease was renewed.
    Extend(Deadline),
    /// Stop the script: SIGTERM, grace, SIGKILL.
    Stop,
    /// Kill the script at once.
    Kill,
}

/// What a guard tells its agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Report {
    /// The script runs, with this process id, which is also its process group.
    Started(i32),
    /// The deadline had passed before the script could be started.
    Late,
    /// The operating system would not start it (`errno`).
    Unstartable(i32),
    /// The deadline was not moved on in time, so the guard ends the script.
    Overdue,
    /// The script ended by itself.
    Exited(i32),
    /// The script died by a signal.
    Signalled(i32),
    /// Script and descendants are gone. Of so many that outlived the script and had to be ended.
    Gone(u32),
}

/// A line that is no message.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("agent and guard do not understand each other: {0:?}")]
pub struct NotAMessage(pub String);

impl fmt::Display for Order {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Start(Start { deadline, grace, linger, run_as }) => {
                let (term, kill) = (deadline.term_at.as_nanos(), deadline.kill_at.as_nanos());
                write!(f, "start {term} {kill} {} {}", grace.as_millis(), linger.as_millis())?;
                match run_as {
                    Some(RunAs { user, group }) => write!(f, " {user} {group}"),
                    None => Ok(()),
                }
            }
            Self::Extend(deadline) => {
                write!(f, "extend {} {}", deadline.term_at.as_nanos(), deadline.kill_at.as_nanos())
            }
            Self::Stop => f.write_str("stop"),
            Self::Kill => f.write_str("kill"),
        }
    }
}

impl FromStr for Order {
    type Err = NotAMessage;

    fn from_str(line: &str) -> Result<Self, NotAMessage> {
        let wrong = || NotAMessage(line.to_owned());
        let (word, numbers) = split::<u64>(line).ok_or_else(wrong)?;
        let deadline = |term: u64, kill: u64| Deadline {
            term_at: BootTime::from_nanos(term),
            kill_at: BootTime::from_nanos(kill),
        };
        let start = |term: u64, kill: u64, grace: u64, linger: u64, run_as| {
            Self::Start(Start {
                deadline: deadline(term, kill),
                grace: Duration::from_millis(grace),
                linger: Duration::from_millis(linger),
                run_as,
            })
        };
        match (word, numbers.as_slice()) {
            ("start", &[term, kill, grace, linger]) => Ok(start(term, kill, grace, linger, None)),
            ("start", &[term, kill, grace, linger, user, group]) => {
                match (u32::try_from(user), u32::try_from(group)) {
                    (Ok(user), Ok(group)) => {
                        Ok(start(term, kill, grace, linger, Some(RunAs { user, group })))
                    }
                    _ => Err(wrong()),
                }
            }
            ("extend", &[term, kill]) => Ok(Self::Extend(deadline(term, kill))),
            ("stop", []) => Ok(Self::Stop),
            ("kill", []) => Ok(Self::Kill),
            _ => Err(wrong()),
        }
    }
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

/// Puts received bytes together to lines. Nobody sends longer ones than [`Lines::LONGEST`].
#[derive(Debug, Default)]
pub struct Lines(Vec<u8>);

impl Lines {
    /// A line longer than this is none of ours.
    pub const LONGEST: usize = 256;

    /// Takes what was received.
    pub fn push(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    /// The next whole line, without its end.
    ///
    /// # Errors
    /// [`NotAMessage`] if it is too long.
    pub fn next_line(&mut self) -> Result<Option<String>, NotAMessage> {
        match self.0.iter().position(|&byte| byte == b'\n') {
            Some(end) => {
                let line: Vec<u8> = self.0.drain(..=end).take(end).collect();
                Ok(Some(String::from_utf8_lossy(&line).into_owned()))
            }
            None if self.0.len() > Self::LONGEST => Err(NotAMessage("a line without an end".to_owned())),
            None => Ok(None),
        }
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

    fn order() -> impl Strategy<Value = Order> {
        prop_oneof![
            (deadline(), any::<u64>(), any::<u64>(), any::<Option<(u32, u32)>>()).prop_map(
                |(deadline, grace, linger, run_as)| Order::Start(Start {
                    deadline,
                    grace: Duration::from_millis(grace),
                    linger: Duration::from_millis(linger),
                    run_as: run_as.map(|(user, group)| RunAs { user, group })
                })
            ),
            deadline().prop_map(Order::Extend),
            Just(Order::Stop),
            Just(Order::Kill),
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
            orders in proptest::collection::vec(order(), 0..6), size in 1usize..40,
        ) {
            let sent: String = orders.iter().map(|order| format!("{order}\n")).collect();
            let (mut lines, mut got) = (Lines::default(), Vec::new());
            for piece in sent.as_bytes().chunks(size) {
                lines.push(piece);
                while let Some(line) = lines.next_line().unwrap() {
                    prop_assert!(line.len() <= Lines::LONGEST);
                    got.push(line.parse::<Order>().unwrap());
                }
            }
            prop_assert_eq!(got, orders);
        }

        #[test]
        fn reports_round_trip(report in report()) {
            prop_assert_eq!(report.to_string().parse::<Report>().unwrap(), report);
        }

        #[test]
        fn nonsense_is_refused(line in ".*") {
            if let Ok(order) = line.parse::<Order>() {
                prop_assert_eq!(order.to_string().parse::<Order>().unwrap(), order);
            }
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
