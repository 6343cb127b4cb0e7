//! The rules of kept statements as switches, so that a test can take one away and watch what breaks.

/// What the model keeps to. A switch that is off weakens the model around the real functions, never those functions
/// themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "independent switches, each named")]
pub struct Rules {
    /// The row shows an attempt before its statement is sent.
    pub claim_before_send: bool,
    /// Each attempt has a `ClientToken` of its own.
    pub token_per_attempt: bool,
    /// Every sending of an attempt is the same request, with the same `ClientToken`.
    pub same_when_repeated: bool,
    /// The row shows each further sending before it is made.
    pub intent_before_repeat: bool,
    /// Nothing is sent again once the service may have forgotten the first sending.
    pub repeats_are_bounded: bool,
    /// That is counted from the first sending of the attempt.
    pub first_sent_stays: bool,
    /// That the list does not show a statement counts only when all sendings have been quiet for long enough.
    pub absence_needs_quiet: bool,
    /// What follows from a list is refused when something was sent since the row was read.
    pub list_needs_last_sent: bool,
    /// Statements in the list are compared by their whole name.
    pub whole_name_compared: bool,
    /// Launcher and clock have the same role, so that the list shows the one the other's statements.
    pub same_role: bool,
    /// Absence from a list that is a day younger than the first sending says nothing.
    pub lost_after_a_day: bool,
    /// A lost answer or a throttle decides nothing.
    pub throttle_decides_nothing: bool,
    /// A refusal of a repeated sending says nothing of the earlier ones.
    pub refused_repeat_waits: bool,
    /// Rows that the clock keeps have no beat, and are not lost for want of one.
    pub no_beat_rule: bool,
    /// Every write names the attempt and the statement that were read.
    pub writes_name_the_statement: bool,
    /// A cancel is a request: how the statement ended is what the service says.
    pub describe_decides: bool,
    /// A launcher of a later try does not start an attempt that is not due.
    pub launcher_leaves_waiting_rows: bool,
    /// The clock keeps the tokens of all open rows alive, not only of those with a running statement.
    pub every_open_row_heartbeats: bool,
    /// It takes the token from the row, not from the index or an event.
    pub token_from_the_row: bool,
}

impl Rules {
    /// All of them: the protocol.
    pub const ALL: Self = Self {
        claim_before_send: true,
        token_per_attempt: true,
        same_when_repeated: true,
        intent_before_repeat: true,
        repeats_are_bounded: true,
        first_sent_stays: true,
        absence_needs_quiet: true,
        list_needs_last_sent: true,
        whole_name_compared: true,
        same_role: true,
        lost_after_a_day: true,
        throttle_decides_nothing: true,
        refused_repeat_waits: true,
        no_beat_rule: true,
        writes_name_the_statement: true,
        describe_decides: true,
        launcher_leaves_waiting_rows: true,
        every_open_row_heartbeats: true,
        token_from_the_row: true,
    };
}

impl Default for Rules {
    fn default() -> Self {
        Self::ALL
    }
}
