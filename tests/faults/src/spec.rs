//! A case as text, such as `sequential:agent/UpdateItem#2=unanswered`, by which it is run again.

use std::fmt;
use std::str::FromStr;

use anyhow::{Context as _, bail};

/// What is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Shape {
    /// Two short jobs, one after the other. A lost job stays lost.
    Sequential,
    /// Two short jobs at once. A lost job stays lost.
    Parallel,
    /// Two short jobs, one after the other, that run again if they are lost.
    Rerun,
    /// A job that takes longer than a renewal, and runs again if it is lost.
    Long,
    /// A job that takes longer than a renewal. A lost job stays lost.
    Once,
    /// A job that takes longer than two leases, and runs again if it is lost.
    Slow,
    /// A job that fails, and one that must not start.
    Failing,
    /// Two jobs, which may run on two instances.
    Spread,
}

/// Each with its name.
const SHAPES: [(Shape, &str); 8] = [
    (Shape::Sequential, "sequential"),
    (Shape::Parallel, "parallel"),
    (Shape::Rerun, "rerun"),
    (Shape::Long, "long"),
    (Shape::Once, "once"),
    (Shape::Slow, "slow"),
    (Shape::Failing, "failing"),
    (Shape::Spread, "spread"),
];

impl Shape {
    /// All of them.
    pub fn all() -> impl Iterator<Item = Self> {
        SHAPES.into_iter().map(|(shape, _)| shape)
    }

    /// Whether a lost job of it runs again.
    pub fn reruns(self) -> bool {
        matches!(self, Self::Rerun | Self::Long | Self::Slow)
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(SHAPES.iter().find(|(shape, _)| shape == self).map_or("", |(_, name)| name))
    }
}

macro_rules! actions {
    ($($(#[doc = $doc:literal])+ $name:ident = $text:literal,)+) => {
        /// What goes wrong.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Action { $($(#[doc = $doc])+ $name,)+ }

        impl Action {
            /// Each with its name and its meaning.
            pub const ALL: &[(Self, &'static str, &'static str)] = &[$((Self::$name, $text, concat!($($doc),+))),+];
        }
    };
}

actions! {
    /// The connection ends before the call is sent.
    Cut = "cut",
    /// The call is carried out, and its connection ends without an answer.
    Unanswered = "unanswered",
    /// The caller's connection ends; the call arrives 4 s later all the same.
    Stray = "stray",
    /// The call is carried out twice; the second answer comes back.
    Twice = "twice",
    /// The service answers 500 and does nothing.
    Error = "500",
    /// The service answers 500 although it carried the call out.
    ErrorApplied = "500-applied",
    /// The service refuses the call because of its rate.
    Throttled = "throttled",
    /// The call takes longer than its caller's patience for one sending.
    Delayed = "delayed",
    /// The call is carried out, and the answer cannot be read.
    Garbage = "garbage",
    /// All calls of this client are lost for less than a lease.
    OffShort = "off-short",
    /// All calls of this client are lost for longer than a lease.
    OffLong = "off-long",
    /// All calls of this client are lost until its job was taken over.
    OffOvertaken = "off-overtaken",
    /// All calls of this client arrive, and no answer comes back, for longer than a lease.
    DeafLong = "deaf-long",
    /// All calls of this client to this service are lost for longer than a lease.
    ServiceOff = "service-off",
    /// All calls of this client to this service arrive, and no answer comes back, for longer than a lease.
    ServiceDeaf = "service-deaf",
    /// The agents of the run are killed.
    KillAgent = "kill-agent",
    /// The guards of the run are killed.
    KillGuard = "kill-guard",
    /// Agents and guards of the run are killed at once.
    KillBoth = "kill-both",
    /// The scripts of the run are killed.
    KillScript = "kill-script",
    /// The agents are stopped for less than a lease.
    StopAgentShort = "stop-agent-short",
    /// The agents are stopped for longer than a lease.
    StopAgentLong = "stop-agent-long",
    /// The agents are stopped until their job was taken over.
    StopAgentOvertaken = "stop-agent-overtaken",
    /// The guards are stopped for longer than a lease.
    StopGuardLong = "stop-guard-long",
    /// The scripts are stopped for longer than a lease.
    StopScriptLong = "stop-script-long",
    /// Agent, guard and script are stopped for longer than a lease: a suspended instance.
    Suspend = "suspend",
    /// The function's process is killed.
    KillSelf = "kill-self",
    /// The function's process stands still until its invocation has timed out, and then goes on.
    FreezeSelf = "freeze-self",
    /// The run's execution is stopped by a person.
    Abort = "abort",
    /// Every open job is asked to cancel.
    Cancel = "cancel",
    /// The rows of open jobs follow a contract that nobody knows.
    RowNewer = "row-newer",
    /// The rows of open jobs cannot be read as a whole.
    RowBroken = "row-broken",
    /// The rows of open jobs have nearly 400 KB.
    RowLarge = "row-large",
    /// The instance is gone: its processes are killed, and no more commands are taken for it.
    Vanish = "vanish",
    /// The instance is gone, and comes back after 4 s.
    VanishBack = "vanish-back",
    /// No more commands are taken for the instance; what runs there goes on.
    Drain = "drain",
    /// The endpoint is killed and started again.
    KillEndpoint = "kill-endpoint",
    /// The endpoint stands still for 2 s.
    StopEndpoint = "stop-endpoint",
    /// The function is invoked twice with one event, at the same time.
    Concurrently = "concurrently",
    /// The function is invoked again with the same event 3 s after its end.
    Again = "again",
    /// The event does not arrive.
    Lost = "lost",
    /// The command arrives 3 s late.
    Late = "late",
    /// The command arrives after the next one was sent.
    TooLate = "too-late",
    /// The command never arrives.
    Never = "never",
    /// The spool's disk is full for 6 s.
    FullSpool = "full-spool",
    /// The disk of the local logs is full.
    FullLogs = "full-logs",
    /// The wall clock of the agents jumps an hour ahead while they run.
    ClockAhead = "clock-ahead",
    /// The wall clock of the agents jumps an hour back while they run.
    ClockBack = "clock-back",
}

impl Action {
    /// Those that befall one call, which is then made again or was made.
    pub const OF_CALL: [Self; 9] = [
        Self::Cut,
        Self::Unanswered,
        Self::Stray,
        Self::Twice,
        Self::Error,
        Self::ErrorApplied,
        Self::Throttled,
        Self::Delayed,
        Self::Garbage,
    ];

    /// Whether every job must end as if nothing had happened.
    pub fn is_harmless(self) -> bool {
        Self::OF_CALL.contains(&self)
            || matches!(
                self,
                Self::StopAgentShort
                    | Self::OffShort
                    | Self::KillSelf
                    | Self::FreezeSelf
                    | Self::Concurrently
                    | Self::Again
                    | Self::Lost
                    | Self::Late
                    | Self::TooLate
                    | Self::Never
                    | Self::FullLogs
                    | Self::ClockAhead
                    | Self::ClockBack
            )
    }

    /// Whether it befalls everybody who uses the endpoint.
    pub fn is_of_endpoint(self) -> bool {
        matches!(self, Self::KillEndpoint | Self::StopEndpoint)
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(Self::ALL.iter().find(|(action, ..)| action == self).map_or("", |(_, name, _)| name))
    }
}

impl FromStr for Action {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Self> {
        let found = Self::ALL.iter().find(|(_, name, _)| *name == text);
        found.map(|(action, ..)| *action).with_context(|| format!("{text:?} is not a fault"))
    }
}

/// One fault and where it strikes.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Fault {
    /// Who makes the call: `agent`, a function's handler, or `ssm`.
    pub client: String,
    /// The operation; `invoke` for the invocation of a function, `deliver` for a command.
    pub operation: String,
    /// Which of these calls, from 1.
    pub nth: u32,
    /// Whether the call is made first.
    pub after: bool,
    /// What goes wrong.
    pub action: Action,
}

impl Fault {
    /// Whether an agent loses services for a while, but not the table: then no job is taken from it.
    fn leaves_the_table(&self) -> bool {
        self.client == "agent"
            && matches!(self.action, Action::ServiceOff | Action::ServiceDeaf)
            && ["SendTask", "PutLogEvents", "CreateLogStream"]
                .iter()
                .any(|call| self.operation.starts_with(call))
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let after = if self.after { "after/" } else { "" };
        write!(f, "{}/{}#{}={after}{}", self.client, self.operation, self.nth, self.action)
    }
}

impl FromStr for Fault {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Self> {
        let form = || format!("{text:?} has not the form client/Operation#1=fault");
        let (point, action) = text.split_once('=').with_context(form)?;
        let (client, rest) = point.split_once('/').with_context(form)?;
        let (operation, nth) = rest.split_once('#').with_context(form)?;
        let (after, action) = match action.strip_prefix("after/") {
            Some(action) => (true, action),
            None => (false, action),
        };
        let nth = nth.parse().ok().filter(|nth| *nth > 0).with_context(form)?;
        Ok(Self {
            client: client.to_owned(),
            operation: operation.to_owned(),
            nth,
            after,
            action: action.parse()?,
        })
    }
}

/// One case.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Spec {
    /// What is run.
    pub shape: Shape,
    /// What goes wrong.
    pub faults: Vec<Fault>,
}

impl Spec {
    /// Without faults.
    pub fn faultless(shape: Shape) -> Self {
        Self { shape, faults: Vec::new() }
    }

    /// Whether every job must end as if nothing had happened.
    pub fn is_harmless(&self) -> bool {
        // Several at once may use up what is there to bear one; those of the endpoint befall each other's cases.
        self.faults.len() < 2
            && self.faults.iter().all(|fault| {
                fault.action.is_harmless() && !fault.action.is_of_endpoint() || fault.leaves_the_table()
            })
    }

    /// Whether it needs an endpoint that may be killed.
    pub fn is_of_endpoint(&self) -> bool {
        self.faults.iter().any(|fault| fault.action.is_of_endpoint())
    }

    /// Whether such a fault is among its own.
    pub fn has(&self, action: Action) -> bool {
        self.faults.iter().any(|fault| fault.action == action)
    }
}

impl fmt::Display for Spec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.shape)?;
        for (i, fault) in self.faults.iter().enumerate() {
            write!(f, "{}{fault}", if i > 0 { "+" } else { "" })?;
        }
        Ok(())
    }
}

impl FromStr for Spec {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Self> {
        let (shape, faults) = text.split_once(':').unwrap_or((text, ""));
        let Some((shape, _)) = SHAPES.into_iter().find(|(_, name)| *name == shape) else {
            bail!("{shape:?} is not a workflow: {}", SHAPES.map(|(_, name)| name).join(", "));
        };
        let faults = faults.split('+').filter(|fault| !fault.is_empty()).map(str::parse);
        Ok(Self { shape, faults: faults.collect::<anyhow::Result<_>>()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_case_is_read_as_it_is_written() {
        for text in [
            "sequential:",
            "long:agent/UpdateItem#2=unanswered",
            "rerun:agent/UpdateItem#2=after/kill-both+ssm/deliver#1=too-late",
        ] {
            assert_eq!(text.parse::<Spec>().unwrap().to_string(), text);
        }
        for text in ["none:", "long:agent", "long:agent/UpdateItem#0=cut", "long:agent/UpdateItem#1=cup"] {
            assert!(text.parse::<Spec>().is_err(), "{text}");
        }
    }
}
