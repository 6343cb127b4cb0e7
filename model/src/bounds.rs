//! How far the model looks: the times of the protocol in ticks, and how often each thing may go wrong.

use rsqlflow_core::Timestamp;
use rsqlflow_core::protocol::launcher::OnLost;

/// A moment or a span, in ticks. A tick is a third of the heartbeat, the agent's period of renewal.
pub type Ticks = u8;

/// The bounds of one check.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// How long a try waits without a heartbeat.
    pub heartbeat: Ticks,
    /// How long a job is its agent's.
    pub lease: Ticks,
    /// By how much longer a beat must stand still before its agent is lost.
    pub margin: Ticks,
    /// By how much two launchers' clocks may differ.
    pub skew: Ticks,
    /// How long a Lambda function may take, dawdling included.
    pub lambda_timeout: Ticks,
    /// How long an agent works on without an accepted token.
    pub token_patience: Ticks,
    /// A script that still runs at this moment ends then.
    pub work_until: Ticks,
    /// A run that has not ended by then never will. Nothing else stops the clock.
    pub horizon: Ticks,
    /// Tries of the waiting state, each with its own token.
    pub tries: u8,
    /// Attempts; a launcher that would go beyond dies instead.
    pub attempts: u32,
    /// Lambda functions alive at one time.
    pub lambdas: usize,
    /// Agent processes alive at one time, dead ones with a living script included.
    pub agents: usize,
    /// Closers at work at one time: one, or the sweeper beside it.
    pub closers: usize,
    /// What a lost agent means.
    pub on_lost: OnLost,
    /// What may go wrong.
    pub faults: Faults,
}

/// How often each may still happen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Faults {
    /// A write is made but its answer is lost, or the request itself is: the SDK sends it again.
    pub lost_writes: u8,
    /// A token callback is lost, or its answer.
    pub lost_callbacks: u8,
    /// An agent process is killed; its guard is not.
    pub kills: u8,
    /// An agent process does nothing for a tick; its guard does.
    pub stalls: u8,
    /// A machine is suspended for a tick: agent, guard and script.
    pub sleeps: u8,
    /// A try ends although its token could still be answered: task timeout, or its Lambda call failed.
    pub try_ends: u8,
    /// A Lambda function is invoked a second time for the same try.
    pub second_invocations: u8,
    /// A command is delivered once more.
    pub second_deliveries: u8,
    /// An agent finds its instance full and queues for a tick.
    pub queues: u8,
    /// `SendCommand` reports a failure that is final; the command may have been sent all the same.
    pub send_failures: u8,
    /// Somebody requests a cancel.
    pub cancels: u8,
    /// Somebody aborts the execution.
    pub aborts: u8,
    /// The closer does nothing for a tick: killed, or its event was lost and the sweeper comes later.
    pub closer_delays: u8,
}

impl Faults {
    /// Nothing goes wrong, except what costs nothing: Lambda functions that dawdle or die at any step, and
    /// commands that come late or never.
    pub const NONE: Self = Self {
        lost_writes: 0,
        lost_callbacks: 0,
        kills: 0,
        stalls: 0,
        sleeps: 0,
        try_ends: 0,
        second_invocations: 0,
        second_deliveries: 0,
        queues: 0,
        send_failures: 0,
        cancels: 0,
        aborts: 0,
        closer_delays: 0,
    };
}

impl Bounds {
    /// Two agents, one job, three tries, three attempts, a lease as long as the heartbeat, and no faults.
    pub const SMALL: Self = Self {
        heartbeat: 3,
        lease: 3,
        margin: 0,
        skew: 0,
        lambda_timeout: 1,
        token_patience: 9,
        work_until: 5,
        horizon: 40,
        tries: 3,
        attempts: 3,
        lambdas: 2,
        agents: 2,
        closers: 1,
        on_lost: OnLost::Rerun,
        faults: Faults::NONE,
    };

    /// As [`super::Bounds::SMALL`] with these faults.
    #[must_use]
    pub const fn with(self, faults: Faults) -> Self {
        Self { faults, ..self }
    }

    pub(crate) fn patience_millis(&self) -> i64 {
        millis(self.lease + self.margin)
    }
}

fn millis(ticks: Ticks) -> i64 {
    i64::from(ticks) * 1000
}

pub(crate) fn timestamp(ticks: Ticks) -> Timestamp {
    Timestamp::from_millis(millis(ticks))
}
