//! One state of the world: the row, the waiting machine, the Lambda functions, the agents, and what is under way.

use std::sync::Arc;

use rsqlflow_core::protocol::launcher::Then;
use rsqlflow_core::protocol::{Change, JobState, JobStatus, Outcome, Reply, TokenEntered};
use rsqlflow_core::{Owner, TaskToken, Timestamp};

use crate::bounds::{Faults, Ticks};
use crate::properties::Broken;

/// A try of the waiting state, from 0; it stands for the token that came with it.
pub type Try = u8;

/// Everything that decides what can happen next.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct World {
    /// The true time. Launchers' clocks may differ from it; the agents' only measure spans.
    pub now: Ticks,
    /// The job's row.
    pub row: Arc<JobState>,
    /// The item of the state machine.
    pub machine: Machine,
    /// rsql-invoke, as often as it is running.
    pub launchers: Vec<Launcher>,
    /// Attempts that commands on their way to an instance name.
    pub commands: Vec<u32>,
    /// Agent processes, and scripts that survived theirs.
    pub agents: Vec<Agent>,
    /// Results on an instance's disk whose agent died.
    pub spool: Vec<Spooled>,
    /// What ends the run: closer and sweeper.
    pub closers: Vec<Closer>,
    /// Faults that may still happen.
    pub left: Faults,
    /// What an observer remembers.
    pub seen: Seen,
}

/// Where the item of the state machine stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Machine {
    /// Before this try, which starts at the latest at that moment.
    Before(Try, Ticks),
    /// In this try, whose last heartbeat (or start) was at that moment.
    Waiting(Try, Ticks),
    /// Told how the job ended.
    Told(JobStatus),
    /// No try is left.
    Exhausted,
    /// The execution was aborted.
    Aborted,
}

impl Machine {
    /// Whether the closer has to see to the row.
    #[must_use]
    pub const fn is_over(self) -> bool {
        matches!(self, Self::Told(_) | Self::Exhausted | Self::Aborted)
    }

    /// Whether this try's token is alive.
    #[must_use]
    pub fn waits_on(self, token: Try) -> bool {
        matches!(self, Self::Waiting(waiting, _) if waiting == token)
    }
}

/// One run of rsql-invoke.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Launcher {
    /// The try it was invoked by.
    pub token: Try,
    /// When.
    pub born: Ticks,
    /// What it does next.
    pub next: LauncherStep,
}

/// What a launcher does next. It may die before, or dawdle until its timeout.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum LauncherStep {
    /// Read the row.
    Read,
    /// Look at the clock and decide on the row as it was read.
    Decide(Arc<JobState>),
    /// Make the change that was decided on, then do that.
    Write(Arc<Change>, ThenDo),
    /// Send the command for this attempt.
    Send(u32),
    /// Answer its token.
    Tell(JobStatus),
}

/// [`Then`], which cannot be hashed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ThenDo {
    /// [`Then::SendCommand`].
    Send,
    /// [`Then::LeaveToAgent`].
    Leave,
    /// [`Then::Answer`].
    Answer,
}

impl From<Then> for ThenDo {
    fn from(then: Then) -> Self {
        match then {
            Then::SendCommand => Self::Send,
            Then::LeaveToAgent => Self::Leave,
            Then::Answer => Self::Answer,
        }
    }
}

/// An agent process on an instance.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Agent {
    /// Its nonce.
    pub nonce: u8,
    /// What its command said.
    pub attempt: u32,
    /// What it does next.
    pub next: AgentStep,
    /// When its guard kills the script, if one runs.
    pub script: Option<Ticks>,
    /// By when it takes its next step, unless something is wrong with it.
    pub due: Ticks,
    /// The token that it heartbeats on.
    pub token: Try,
    /// When a heartbeat of its was last accepted.
    pub accepted: Ticks,
    /// `false` when it was killed and only its script lives.
    pub alive: bool,
    /// Its machine is suspended.
    pub asleep: bool,
    /// Whether the workflow was seen waiting since its command arrived.
    pub wanted: bool,
}

/// What an agent does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AgentStep {
    /// Read the row.
    Read,
    /// Heartbeat once on the token it read.
    FirstHeartbeat,
    /// Claim.
    Claim,
    /// Send the claim again, first sent then.
    ClaimAgain(Ticks),
    /// Start the script, whose lease ends then.
    Start(Ticks),
    /// Renew, heartbeat; until the script ends.
    Renew,
    /// Send the renewal again, first sent then.
    RenewAgain(Ticks),
    /// Close the row. The result is on disk.
    Close(Ending),
    /// Answer the token that the close showed.
    Tell(Try, Ending),
    /// Close a row that was cancelled before it was claimed.
    CloseUnclaimed,
    /// Only without the rule "row before token": close after the answer.
    CloseLate(Ending),
}

/// How an agent ends a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Ending {
    /// The script ended.
    Completed,
    /// It was stopped because of a cancel.
    Cancelled,
}

impl Ending {
    pub(crate) fn status(self) -> JobStatus {
        match self {
            Self::Completed => JobStatus::Completed,
            Self::Cancelled => JobStatus::Cancelled,
        }
    }

    pub(crate) fn outcome(self) -> Outcome {
        match self {
            Self::Completed => Outcome {
                status: JobStatus::Completed,
                exit_code: Some(0),
                error_message: None,
                error_name: None,
            },
            Self::Cancelled => Outcome::without_exit(JobStatus::Cancelled, "cancelled"),
        }
    }
}

/// A result on disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Spooled {
    /// Whose.
    pub nonce: u8,
    /// Of which attempt.
    pub attempt: u32,
    /// The result.
    pub ending: Ending,
}

/// Where a closer stands.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Closer {
    /// Looks at the row, not before that moment.
    Idle(Ticks),
    /// Has read the row, and now decides and writes.
    HasRead(Arc<JobState>),
    /// The row is closed, the lock released.
    Released,
}

/// What only an observer knows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Seen {
    /// Properties that a step has broken.
    pub broken: Broken,
    /// An agent was killed, stopped or suspended, or gave up.
    pub agent_fault: bool,
    /// A callback of an agent was lost, or a write of its took a tick and more.
    pub call_delayed: bool,
    /// Tries whose token was stored, one bit each.
    pub stored: u8,
    /// When the machine last waited.
    pub waited: Ticks,
}

/// The token and its place in the order of tokens. Retries of a state share its EnteredTime.
#[must_use]
pub fn reply(token: Try) -> Reply {
    Reply {
        token: TaskToken::new(char::from(b'0' + token)),
        entered: TokenEntered { at: Timestamp::from_millis(0), retry: u16::from(token) },
    }
}

/// The other way round.
pub(crate) fn try_of(reply: &Reply) -> Try {
    reply.token.expose().bytes().next().map_or(0, |b| b - b'0')
}

pub(crate) fn owner(nonce: u8, distinct: bool) -> Owner {
    if distinct { Owner::new(char::from(b'a' + nonce)) } else { Owner::new("instance") }
}

impl World {
    /// Before anything has happened.
    #[must_use]
    pub fn start(left: Faults, closers: usize) -> Self {
        Self {
            now: 0,
            row: Arc::new(JobState::pending()),
            machine: Machine::Before(0, 0),
            launchers: Vec::new(),
            commands: Vec::new(),
            agents: Vec::new(),
            spool: Vec::new(),
            closers: vec![Closer::Idle(0); closers],
            left,
            seen: Seen::default(),
        }
    }

    /// Scripts that run at this moment; a suspended one does not.
    pub fn running(&self) -> impl Iterator<Item = &Agent> {
        self.agents.iter().filter(|agent| agent.script.is_some() && !agent.asleep)
    }

    /// Whether the run has ended: row closed, lock released.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.closers.contains(&Closer::Released)
    }
}
