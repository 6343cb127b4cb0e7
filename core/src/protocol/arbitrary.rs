//! Random rows and changes for property tests, ours and the store's. Values come from small sets, so that a
//! change often fits a row.

use proptest::prelude::*;

use super::keeper::DATA_API;
use super::{Change, JobState, JobStatus, Outcome, Reply, TokenEntered};
use crate::{ErrorName, Owner, StatementId, TaskToken, Timestamp};

/// One of two agents, or the clock.
pub fn owner() -> impl Strategy<Value = Owner> {
    prop_oneof![Just(Owner::new("a")), Just(Owner::new("b")), Just(Owner::new(DATA_API))]
}

fn statement() -> impl Strategy<Value = Option<StatementId>> {
    proptest::option::of(prop_oneof![Just(StatementId::new("s")), Just(StatementId::new("t"))])
}

fn moment() -> impl Strategy<Value = Timestamp> {
    (0i64..4).prop_map(Timestamp::from_millis)
}

/// One of nine tokens, close in time.
pub fn reply() -> impl Strategy<Value = Reply> {
    (0i64..3, 0u16..3).prop_map(|(at, retry)| Reply {
        token: TaskToken::new(format!("t{at}{retry}")),
        entered: TokenEntered { at: Timestamp::from_millis(at), retry },
    })
}

/// Any status.
pub fn status() -> impl Strategy<Value = JobStatus> {
    proptest::sample::select(JobStatus::ALL.to_vec())
}

/// One of two names, or none.
fn error_name() -> impl Strategy<Value = Option<ErrorName>> {
    proptest::option::of(proptest::sample::select(vec![ErrorName::AgentTooOld, ErrorName::AgentTooNew]))
}

/// Any end, also those that nobody may write.
pub fn outcome() -> impl Strategy<Value = Outcome> {
    (status(), proptest::option::of(0i32..3), proptest::option::of("[xy]"), error_name()).prop_map(
        |(status, exit_code, error_message, error_name)| Outcome {
            status,
            exit_code,
            error_message,
            error_name,
        },
    )
}

prop_compose! {
    /// Any row, also those that no history leads to.
    pub fn state()(
        status in status(), attempt in 0u32..3, reply in proptest::option::of(reply()), beat in 0u64..3,
        seen in proptest::option::of((0u64..3, 0i64..30)), owner in proptest::option::of(owner()),
        cancel_requested in any::<bool>(), exit_code in proptest::option::of(0i32..3),
        error_message in proptest::option::of("[xy]"), error_name in error_name(), statement_id in statement(),
        sent in proptest::option::of((moment(), moment())), wake_at in proptest::option::of(moment()),
    ) -> JobState {
        JobState {
            statement_id, wake_at,
            first_sent: sent.map(|s| s.0),
            last_sent: sent.map(|s| s.1),
            status, attempt, beat, owner, cancel_requested, exit_code, error_message, error_name,
            task_token: reply.as_ref().map(|r| r.token.clone()),
            token_entered: reply.as_ref().map(|r| r.entered),
            seen_beat: seen.map(|s| s.0),
            seen_at: seen.map(|s| Timestamp::from_millis(s.1)),
        }
    }
}

/// Any change, also impossible ones.
pub fn change() -> impl Strategy<Value = Change> {
    let seen = || proptest::option::of((0u64..3, (0i64..30).prop_map(Timestamp::from_millis)));
    prop_oneof![
        (status(), 0u32..3, reply()).prop_map(|(from, attempt, reply)| Change::Launch {
            from,
            attempt,
            reply
        }),
        (0u32..3, reply(), seen()).prop_map(|(attempt, reply, seen)| Change::Readdress {
            attempt,
            reply,
            seen
        }),
        (0u32..3, 0u64..3, 0i64..30).prop_map(|(attempt, beat, at)| Change::Observe {
            attempt,
            beat,
            at: Timestamp::from_millis(at)
        }),
        (0u32..3, 0u64..3, reply()).prop_map(|(attempt, beat, reply)| Change::Rerun { attempt, beat, reply }),
        (0u32..3, 0u64..3).prop_map(|(attempt, beat)| Change::CloseLost {
            attempt,
            beat,
            message: "gone".to_owned()
        }),
        (status(), 0u32..3, outcome()).prop_map(|(from, attempt, outcome)| Change::CloseUnclaimed {
            from,
            attempt,
            outcome
        }),
        (0u32..3, owner()).prop_map(|(attempt, owner)| Change::Claim { attempt, owner }),
        (0u32..3, owner()).prop_map(|(attempt, owner)| Change::Renew { attempt, owner }),
        (0u32..3, owner(), outcome()).prop_map(|(attempt, owner, outcome)| Change::Close {
            attempt,
            owner,
            outcome
        }),
        Just(Change::RequestCancel),
        kept_change(),
    ]
}

/// Any change to the row of a statement.
fn kept_change() -> impl Strategy<Value = Change> {
    let attempt = || 0u32..3;
    prop_oneof![
        (status(), attempt(), proptest::option::of(reply()), moment())
            .prop_map(|(from, attempt, reply, at)| Change::Start { from, attempt, reply, at }),
        (attempt(), moment(), moment()).prop_map(|(attempt, last_sent, at)| Change::SendAgain {
            attempt,
            last_sent,
            at
        }),
        (attempt(), "[st]")
            .prop_map(|(attempt, id)| Change::Identify { attempt, statement: StatementId::new(id) }),
        (attempt(), moment(), "[xy]").prop_map(|(attempt, last_sent, message)| Change::Refuse {
            attempt,
            last_sent,
            message
        }),
        (attempt(), reply()).prop_map(|(attempt, reply)| Change::Await { attempt, reply }),
        (attempt(), outcome()).prop_map(|(attempt, outcome)| Change::CloseWaiting { attempt, outcome }),
        (attempt(), statement(), moment(), moment()).prop_map(|(attempt, statement, last_sent, due)| {
            Change::Return { attempt, statement, last_sent, due }
        }),
        (attempt(), statement(), moment(), outcome()).prop_map(|(attempt, statement, last_sent, outcome)| {
            Change::Finish { attempt, statement, last_sent, outcome }
        }),
    ]
}
