//! A parsed path.

use std::fmt;
use std::sync::Arc;

use serde_json::Value;

/// The root of a path.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Root {
    /// `$`
    Input,
    /// `$$`
    Context,
    /// `$name`
    Variable(Arc<str>),
}

/// A path, and the text it was parsed from.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Path {
    pub(crate) text: Arc<str>,
    pub(crate) root: Root,
    pub(crate) steps: Vec<Step>,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Step {
    Child(String),
    Children(Vec<String>),
    Index(i64),
    Indexes(Vec<i64>),
    Slice {
        start: Option<i64>,
        end: Option<i64>,
    },
    Wildcard,
    Filter(Filter),
    /// `..`: the step that follows applies to every descendant.
    Descend,
    Function(Function),
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Function {
    Length,
    Min,
    Max,
    Sum,
    Avg,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Filter {
    Or(Vec<Filter>),
    And(Vec<Filter>),
    Not(Box<Filter>),
    Exists(Path),
    Compare(Operand, Operator, Operand),
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Operand {
    /// A path from the candidate (`@`, held as `Root::Input`) or from the document (`$`).
    Path {
        from_candidate: bool,
        path: Path,
    },
    Literal(Value),
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Operator {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    In,
    NotIn,
    Contains,
    Size,
    Empty,
}

impl Path {
    /// Whether the path can select at most one value. Others always return an array.
    pub(crate) fn is_definite(&self) -> bool {
        self.steps.iter().all(|step| matches!(step, Step::Child(_) | Step::Index(_) | Step::Function(_)))
    }

    /// The location where a definite path selects nothing before its last step: the path up to the missing step, as Jayway
    /// prints it.
    pub(crate) fn missing_parent(&self, document: &Value) -> Option<String> {
        let mut at = document;
        for (position, step) in self.steps.iter().enumerate() {
            let next = match step {
                Step::Child(name) => at.get(name.as_str()),
                Step::Index(index) => usize::try_from(*index).ok().and_then(|index| at.get(index)),
                _ => return None,
            };
            match next {
                Some(next) => at = next,
                None if position + 1 < self.steps.len() => return Some(self.compiled_to(position + 1)),
                None => return None,
            }
        }
        None
    }

    /// The path as Jayway prints it in messages: `$['a'][0]`.
    pub(crate) fn compiled(&self) -> String {
        self.compiled_to(self.steps.len())
    }

    fn compiled_to(&self, steps: usize) -> String {
        use fmt::Write as _;
        let mut out = match &self.root {
            Root::Input | Root::Context => "$".to_owned(),
            Root::Variable(name) => format!("${name}"),
        };
        for step in self.steps.iter().take(steps) {
            // Writing to a String cannot fail.
            let _ = match step {
                Step::Child(name) => write!(out, "['{name}']"),
                Step::Index(index) => write!(out, "[{index}]"),
                Step::Wildcard => write!(out, "[*]"),
                Step::Descend => write!(out, ".."),
                Step::Children(names) => write!(out, "['{}']", names.join("','")),
                Step::Indexes(_) | Step::Slice { .. } | Step::Filter(_) | Step::Function(_) => {
                    write!(out, "[?]")
                }
            };
        }
        out
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// The steps after the first step of a path.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rest<'a>(&'a [Step]);

impl Rest<'_> {
    /// Evaluates the remaining steps.
    pub(crate) fn find_in(self, document: &Value) -> Option<Value> {
        super::eval::find(self.0, document, document).into_value()
    }
}

impl Path {
    /// The path up to an index at its end.
    pub(crate) fn before_index(&self) -> Option<Self> {
        match self.steps.split_last() {
            Some((Step::Index(_), steps)) => Some(Self { steps: steps.to_vec(), ..self.clone() }),
            _ => None,
        }
    }

    /// The first field and the steps after it, if the path begins with a field.
    pub(crate) fn first_child(&self) -> Option<(&str, Rest<'_>)> {
        match self.steps.split_first() {
            Some((Step::Child(name), rest)) => Some((name, Rest(rest))),
            _ => None,
        }
    }
}
