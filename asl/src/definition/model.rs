//! The compiled form. The states of all levels are in one list, and refer to each other by index.

use std::sync::Arc;

use crate::history::StateKind;
use crate::intrinsic::Call;
use crate::path::{Path, ReferencePath};
use crate::payload::Payload;
use crate::resource::Resource;
use crate::template::{Expression, Template};

pub(crate) use super::choice::Rule;
pub(crate) use super::retry::{Catcher, Retrier};

/// Position of a state in the definition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct StateId(pub(crate) usize);

/// A valid state machine.
#[derive(Debug, Clone, PartialEq)]
pub struct Definition {
    pub(crate) start: StateId,
    pub(crate) states: Vec<State>,
    pub(crate) timeout_seconds: Option<i64>,
    pub(crate) comment: Option<String>,
}

impl Definition {
    /// The machine's comment, if it has one.
    pub fn comment(&self) -> Option<&str> {
        self.comment.as_deref()
    }

    /// TimeoutSeconds of the machine.
    pub fn timeout_seconds(&self) -> Option<i64> {
        self.timeout_seconds
    }

    /// Names of all states, including those of nested state machines.
    pub fn state_names(&self) -> impl Iterator<Item = &str> {
        self.states.iter().map(|state| &*state.name)
    }

    /// Every `Resource` of a Task state, with the state's name.
    pub fn resources(&self) -> impl Iterator<Item = (&str, &Resource)> {
        self.states.iter().filter_map(|state| match &state.kind {
            Kind::Task { resource, .. } => Some((&*state.name, &**resource)),
            _ => None,
        })
    }
}

/// `InputPath`, `OutputPath`, `ItemsPath`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum DataPath {
    /// Absent: everything.
    All,
    /// `null`: an empty object.
    Nothing,
    Path(Path),
}

/// `ResultPath`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum ResultPath {
    /// `null`: the result is dropped.
    Discard,
    Put(ReferencePath),
}

/// The next state, or the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Next {
    End,
    To(StateId),
}

/// An integer, literal or by a path.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum IntegerSource {
    Constant(i64),
    Path(Path),
}

/// A string, literal, by a path, or by a function call.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum TextSource {
    Constant(Arc<str>),
    Path(Path),
    Call(Call),
}

/// One state, with the fields that several types share.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct State {
    pub(crate) name: Arc<str>,
    pub(crate) kind: Kind,
    pub(crate) input_path: DataPath,
    pub(crate) output_path: DataPath,
    /// `Parameters`; for Map `ItemSelector`.
    pub(crate) parameters: Option<Template>,
    pub(crate) result_selector: Option<Template>,
    pub(crate) result_path: ResultPath,
    pub(crate) assign: Option<Template>,
    pub(crate) next: Next,
    pub(crate) retry: Vec<Retrier>,
    pub(crate) catch: Vec<Catcher>,
}

/// The fields of one type of state.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Kind {
    Pass { result: Option<Payload> },
    Task { resource: Arc<Resource>, timeout: Option<IntegerSource>, heartbeat: Option<IntegerSource> },
    Choice { rules: Vec<ChoiceRule>, default: Option<StateId> },
    Wait(WaitUntil),
    Succeed,
    Fail { error: Option<TextSource>, cause: Option<TextSource> },
    Parallel { branches: Vec<StateId> },
    Map(MapState),
}

impl Kind {
    /// Whether states of this type may have `Retry`.
    pub(crate) fn can_retry(&self) -> bool {
        matches!(self, Self::Task { .. } | Self::Parallel { .. } | Self::Map(_))
    }

    pub(crate) fn state_kind(&self) -> StateKind {
        match self {
            Self::Pass { .. } => StateKind::Pass,
            Self::Task { .. } => StateKind::Task,
            Self::Choice { .. } => StateKind::Choice,
            Self::Wait(_) => StateKind::Wait,
            Self::Succeed => StateKind::Succeed,
            Self::Fail { .. } => StateKind::Fail,
            Self::Parallel { .. } => StateKind::Parallel,
            Self::Map(_) => StateKind::Map,
        }
    }
}

/// A top-level rule of a Choice state.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ChoiceRule {
    pub(crate) rule: Rule,
    pub(crate) next: StateId,
    pub(crate) assign: Option<Template>,
}

/// The end of a Wait state.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum WaitUntil {
    Seconds(i64),
    SecondsPath(Path),
    Timestamp(jiff::Timestamp),
    TimestampPath(Path),
}

/// A Map state's own fields.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct MapState {
    pub(crate) start: StateId,
    pub(crate) items: Option<Path>,
    /// 0 means no limit.
    pub(crate) max_concurrency: IntegerSource,
}

/// The value of a `.$`-like field where a string is required.
impl From<Expression> for TextSource {
    fn from(expression: Expression) -> Self {
        match expression {
            Expression::Path(path) => Self::Path(path),
            Expression::Call(call) => Self::Call(call),
        }
    }
}
