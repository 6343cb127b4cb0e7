//! How far the model looks: times in ticks, and how often each thing may go wrong.

use rsqlflow_core::protocol::keeper::Limits;

use crate::bounds::Ticks;

/// The bounds of one check. A tick is the clock's period.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// How long a try waits without a heartbeat.
    pub heartbeat: Ticks,
    /// Tries of the waiting state.
    pub tries: u8,
    /// The longest life of a launcher or a clock.
    pub lambda: Ticks,
    /// How long a call outlives its sender.
    pub flight: Ticks,
    /// How long the list does not show a statement that was accepted.
    pub list_lag: Ticks,
    /// What the limits allow for clocks that differ.
    pub margin: Ticks,
    /// By how much every other process's clock is behind.
    pub skew: Ticks,
    /// How long the service remembers a `ClientToken`.
    pub token_memory: Ticks,
    /// How long it shows a statement.
    pub longest: Ticks,
    /// How long a statement runs at most, unless it is cancelled.
    pub work: Ticks,
    /// The job's timeout.
    pub timeout: Ticks,
    /// The delay before a retry.
    pub delay: Ticks,
    /// Attempts. A failed statement is retried while there is one left; a launcher or clock that would go beyond
    /// does nothing.
    pub attempts: u32,
    /// Launchers and clocks alive at one time.
    pub processes: usize,
    /// How long the clock is away.
    pub outage: Ticks,
    /// The longest outage that the waiting state is to survive.
    pub survives: Ticks,
    /// A run that has not ended by then never will.
    pub horizon: Ticks,
    /// What may go wrong.
    pub faults: Faults,
}

/// How often each may still happen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Faults {
    /// A statement arrives, and its answer is lost.
    pub lost_answers: u8,
    /// A write is made, and its answer is lost: it is sent again.
    pub lost_writes: u8,
    /// A sender dies, and its call arrives later, or never.
    pub flights: u8,
    /// A statement is throttled.
    pub throttles: u8,
    /// A statement is refused for good.
    pub refusals: u8,
    /// A statement fails.
    pub failures: u8,
    /// A statement is cancelled in the warehouse by somebody else.
    pub aborts_elsewhere: u8,
    /// The clock is away for [`Bounds::outage`].
    pub outages: u8,
    /// A clock dies, or is not invoked for a tick.
    pub clock_deaths: u8,
    /// A clock takes a tick longer for its steps.
    pub dawdles: u8,
    /// The clock is invoked once more: an event, or the rule's event doubled.
    pub second_clocks: u8,
    /// A launcher is invoked a second time for the same try.
    pub second_invocations: u8,
    /// A try ends although its token could still be answered.
    pub try_ends: u8,
    /// Somebody requests a cancel.
    pub cancels: u8,
    /// Somebody aborts the execution.
    pub aborts: u8,
    /// The closer does nothing for a tick.
    pub closer_delays: u8,
}

impl Faults {
    /// Nothing goes wrong, except what costs nothing: launchers that dawdle or die at any step.
    pub const NONE: Self = Self {
        lost_answers: 0,
        lost_writes: 0,
        flights: 0,
        throttles: 0,
        refusals: 0,
        failures: 0,
        aborts_elsewhere: 0,
        outages: 0,
        clock_deaths: 0,
        dawdles: 0,
        second_clocks: 0,
        second_invocations: 0,
        try_ends: 0,
        cancels: 0,
        aborts: 0,
        closer_delays: 0,
    };
}

impl Bounds {
    /// One job, two tries, two attempts, two processes at one time, and no faults.
    pub const SMALL: Self = Self {
        heartbeat: 4,
        tries: 2,
        lambda: 1,
        flight: 1,
        list_lag: 1,
        margin: 0,
        skew: 0,
        token_memory: 6,
        longest: 9,
        work: 3,
        timeout: 6,
        delay: 1,
        attempts: 2,
        processes: 2,
        outage: 2,
        survives: 2,
        horizon: 60,
        faults: Faults::NONE,
    };

    /// As [`Self::SMALL`] with these faults.
    #[must_use]
    pub const fn with(self, faults: Faults) -> Self {
        Self { faults, ..self }
    }

    pub(crate) const fn limits(&self) -> Limits {
        Limits {
            lambda: millis(self.lambda),
            flight: millis(self.flight),
            list_lag: millis(self.list_lag),
            margin: millis(self.margin),
            token_memory: millis(self.token_memory),
            longest: millis(self.longest),
        }
    }
}

pub(crate) const fn millis(ticks: Ticks) -> i64 {
    ticks as i64 * 1000
}
