//! The protocol's rules as switches, so that a test can take one away and watch what breaks.

/// What the model keeps to. A switch that is off weakens the model around the real functions, never those
/// functions themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "independent switches, each named")]
pub struct Rules {
    /// A claim names the attempt that its command was sent for.
    pub attempt_in_claim: bool,
    /// `beat` goes on growing from one attempt to the next.
    pub beat_never_restarts: bool,
    /// An owner is a process, not an instance.
    pub owner_nonce: bool,
    /// A launcher never replaces a newer token by its own.
    pub newer_token_kept: bool,
    /// The row is closed before the token is answered.
    pub row_before_token: bool,
    /// The script is gone when its lease ends.
    pub fencing: bool,
    /// Somebody beside the agent sees to that, so that it holds for a dead or stopped agent too.
    pub guard: bool,
    /// A script is not started once its deadline is over.
    pub no_late_start: bool,
    /// The lease's clock counts the time that a machine is suspended.
    pub lease_counts_sleep: bool,
    /// A lease runs from the first sending of the write that won it, not from the answer.
    pub lease_from_first_sending: bool,
    /// A launcher that finds the job running launches nothing, unless the beat rule says lost.
    pub no_launch_on_running: bool,
    /// An agent whose claim is refused looks whether it was its own earlier sending that made it so.
    pub own_claim_recognised: bool,
    /// The same of a close.
    pub own_close_recognised: bool,
    /// The same of a launcher's launch or takeover.
    pub own_launch_recognised: bool,
    /// An agent's period of renewal runs from the sending of the last renewal, not from its answer.
    pub renews_on_schedule: bool,
    /// An agent has one heartbeat accepted before it claims.
    pub heartbeat_before_claim: bool,
    /// A takeover is refused when the beat moved after the row was read.
    pub takeover_needs_beat: bool,
    /// The clock by which a beat was seen is read after the row.
    pub clock_after_read: bool,
    /// What was seen of a beat is kept while the beat does not move.
    pub seen_kept_while_unmoved: bool,
    /// A row with a cancel requested refuses a claim.
    pub cancel_bars_claim: bool,
    /// The closer closes rows that nobody has claimed.
    pub unclaimed_rows_closed: bool,
    /// The lock is released only when the closer has seen every row closed.
    pub lock_waits_for_rows: bool,
    /// A renewal's answer brings the newest token, and the agent takes it.
    pub renewal_adopts_token: bool,
    /// Without an accepted token for three heartbeats an agent stops.
    pub token_patience: bool,
}

impl Rules {
    /// All of them: the protocol.
    pub const ALL: Self = Self {
        attempt_in_claim: true,
        beat_never_restarts: true,
        owner_nonce: true,
        newer_token_kept: true,
        row_before_token: true,
        fencing: true,
        guard: true,
        no_late_start: true,
        lease_counts_sleep: true,
        lease_from_first_sending: true,
        no_launch_on_running: true,
        own_claim_recognised: true,
        own_close_recognised: true,
        own_launch_recognised: true,
        renews_on_schedule: true,
        heartbeat_before_claim: true,
        takeover_needs_beat: true,
        clock_after_read: true,
        seen_kept_while_unmoved: true,
        cancel_bars_claim: true,
        unclaimed_rows_closed: true,
        lock_waits_for_rows: true,
        renewal_adopts_token: true,
        token_patience: true,
    };
}

impl Default for Rules {
    fn default() -> Self {
        Self::ALL
    }
}
