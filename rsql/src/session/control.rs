//! Which lines run: `\if` and `\goto`.

use crate::lexer::Depth;

/// A misplaced command of control flow.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ControlError {
    /// There is no `\if` that it could belong to.
    #[error("\\{0}: no matching \\if")]
    NoIf(&'static str),
    /// The `\if` has had its `\else`.
    #[error("\\{0}: cannot occur after \\else")]
    AfterElse(&'static str),
    /// The end came before `\endif`.
    #[error("reached EOF without finding closing \\endif(s)\n  \\if opened at line {line}")]
    Unterminated {
        /// Where the innermost open `\if` stands.
        line: usize,
    },
    /// The end came before the label.
    #[error("label \"{label}\" was not found after the \\goto at line {line}{before}")]
    NoLabel {
        /// The label.
        label: String,
        /// Where the `\goto` stands.
        line: usize,
        /// A hint if the label stands before it.
        before: &'static str,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Branch {
    /// This branch runs.
    Active,
    /// None has run yet; a later one may.
    Waiting,
    /// One has run, or the whole `\if` is inside of what does not run.
    Done,
}

#[derive(Debug, Clone, Copy)]
struct If {
    branch: Branch,
    in_else: bool,
    line: usize,
    /// Where the statement stood when the branch that does not run began.
    mark: Mark,
}

/// A point in the statement being read.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Mark {
    /// Bytes of text.
    pub(crate) length: usize,
    /// Depth of parentheses.
    pub(crate) depth: Depth,
}

#[derive(Debug, Clone)]
struct Jump {
    label: String,
    line: usize,
}

/// What a `\label` means here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Arrival {
    /// The jump ends.
    Processed,
    /// A jump passes it.
    Ignored,
    /// Nothing jumps.
    Plain,
}

/// The control flow of one script.
#[derive(Debug, Default)]
pub(crate) struct Control {
    stack: Vec<If>,
    jump: Option<Jump>,
    seen: Vec<String>,
}

impl Control {
    /// Whether commands run here.
    pub(crate) fn active(&self) -> bool {
        self.jump.is_none() && self.branch_active()
    }

    /// Whether a `\goto` is looking for its label.
    pub(crate) fn jumping(&self) -> bool {
        self.jump.is_some()
    }

    fn branch_active(&self) -> bool {
        self.stack.last().is_none_or(|i| i.branch == Branch::Active)
    }

    /// Where the statement stood before the branch that does not run.
    pub(crate) fn mark(&self) -> Mark {
        self.stack.last().map(|i| i.mark).unwrap_or_default()
    }

    /// Whether the condition of an `\if` here counts; otherwise it is not evaluated.
    pub(crate) fn wants_if(&self) -> bool {
        self.active()
    }

    /// `\if`.
    pub(crate) fn open(&mut self, value: bool, line: usize, mark: Mark) {
        let branch = match (self.active(), value) {
            (true, true) => Branch::Active,
            (true, false) => Branch::Waiting,
            (false, _) => Branch::Done,
        };
        self.stack.push(If { branch, in_else: false, line, mark });
    }

    /// Whether the condition of an `\elif` here counts.
    pub(crate) fn wants_elif(&self) -> bool {
        self.jump.is_none() && self.stack.last().is_some_and(|i| i.branch == Branch::Waiting && !i.in_else)
    }

    /// `\elif`, `\elseif`.
    ///
    /// # Errors
    /// If no `\if` is open, or it has had its `\else`.
    pub(crate) fn elif(&mut self, value: bool, mark: Mark) -> Result<(), ControlError> {
        let wanted = self.wants_elif();
        let top = self.stack.last_mut().ok_or(ControlError::NoIf("elif"))?;
        if top.in_else {
            return Err(ControlError::AfterElse("elif"));
        }
        if top.branch == Branch::Active {
            top.branch = Branch::Done;
            top.mark = mark;
        } else if wanted && value {
            top.branch = Branch::Active;
        }
        Ok(())
    }

    /// `\else`.
    ///
    /// # Errors
    /// If no `\if` is open, or it has had its `\else`.
    pub(crate) fn else_(&mut self, mark: Mark) -> Result<(), ControlError> {
        let jumping = self.jumping();
        let top = self.stack.last_mut().ok_or(ControlError::NoIf("else"))?;
        if top.in_else {
            return Err(ControlError::AfterElse("else"));
        }
        top.in_else = true;
        match top.branch {
            Branch::Active => {
                top.branch = Branch::Done;
                top.mark = mark;
            }
            Branch::Waiting if !jumping => top.branch = Branch::Active,
            Branch::Waiting | Branch::Done => {}
        }
        Ok(())
    }

    /// `\endif`.
    ///
    /// # Errors
    /// If no `\if` is open.
    pub(crate) fn close(&mut self) -> Result<(), ControlError> {
        self.stack.pop().map(|_| ()).ok_or(ControlError::NoIf("endif"))
    }

    /// `\goto`.
    pub(crate) fn goto(&mut self, label: &str, line: usize) {
        self.jump = Some(Jump { label: label.to_owned(), line });
    }

    /// `\label`. Every `\if` that is open where a jump arrives is taken as entered: those whose `\endif`
    /// was passed are gone already, which is how a jump unwinds them.
    pub(crate) fn label(&mut self, label: &str) -> Arrival {
        self.seen.push(label.to_owned());
        match &self.jump {
            Some(jump) if jump.label == label => {
                self.jump = None;
                for open in &mut self.stack {
                    open.branch = Branch::Active;
                }
                Arrival::Processed
            }
            Some(_) => Arrival::Ignored,
            None => Arrival::Plain,
        }
    }

    /// What is still open at the end of the script.
    ///
    /// # Errors
    /// An unfound label, or an open `\if`.
    pub(crate) fn finish(&self) -> Result<(), ControlError> {
        if let Some(Jump { label, line }) = &self.jump {
            let before = if self.seen.contains(label) {
                "; it stands before it, and jumps go forward only"
            } else {
                ""
            };
            return Err(ControlError::NoLabel { label: label.clone(), line: *line, before });
        }
        match self.stack.last() {
            Some(open) => Err(ControlError::Unterminated { line: open.line }),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_jump_unwinds_the_if_it_is_in() {
        let mut control = Control::default();
        control.open(true, 1, Mark::default());
        control.goto("end", 2);
        assert!(!control.active());
        assert_eq!(control.close(), Ok(()));
        assert_eq!(control.label("other"), Arrival::Ignored);
        assert_eq!(control.label("end"), Arrival::Processed);
        assert!(control.active());
        assert_eq!(control.finish(), Ok(()));
    }

    #[test]
    fn a_jump_into_a_branch_enters_it() {
        let mut control = Control::default();
        control.goto("inside", 1);
        control.open(false, 2, Mark::default());
        assert_eq!(control.label("inside"), Arrival::Processed);
        assert!(control.active());
        assert_eq!(control.else_(Mark::default()), Ok(()));
        assert!(!control.active(), "the branch that was entered excludes the other");
    }

    #[test]
    fn what_is_open_at_the_end() {
        let mut control = Control::default();
        control.open(true, 7, Mark::default());
        assert_eq!(control.finish(), Err(ControlError::Unterminated { line: 7 }));
        assert_eq!(control.label("back"), Arrival::Plain);
        control.goto("back", 9);
        let error = control.finish().expect_err("the label is behind");
        assert!(error.to_string().contains("forward only"), "{error}");
    }
}
