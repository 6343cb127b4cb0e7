//! Shows a run while it is followed.
//!
//! [`view`] selects bars, one counter, lines or nothing; [`screen`] has the text of the bars, independent of a terminal;
//! [`bars`] draws them; [`lines`] prints each change once.

mod bars;
mod lines;
mod screen;
mod view;

use std::cell::RefCell;

use rsqlflow_core::ExecutionId;
use rsqlflow_core::plan::Plan;
use rsqlflow_store::JobSummary;

use crate::output::Printer;
use bars::Bars;
use lines::Lines;
use view::{Surroundings, View, choose};

/// Shows the progress of a run. Shared within one task by the reader of the tables and the dialog with the operator.
pub(crate) struct Live<'p> {
    form: RefCell<Form<'p>>,
    printer: Printer,
}

enum Form<'p> {
    Bars(Bars<'p>),
    Lines(Lines<'p>),
    Nothing,
}

impl<'p> Live<'p> {
    /// For a run, on this process's terminal.
    pub(crate) fn new(id: &ExecutionId, plan: &'p Plan, printer: Printer) -> Self {
        let form = match choose(&Surroundings::of(printer)) {
            View::Bars { width, height } => Form::Bars(Bars::new(id, plan, width, height)),
            View::Counter { width } => Form::Bars(Bars::new(id, plan, width, 0)),
            View::Lines => Form::Lines(Lines::new(plan, printer)),
            View::Nothing => Form::Nothing,
        };
        Self { form: RefCell::new(form), printer }
    }

    /// Shows the current state of the jobs.
    pub(crate) fn update(&self, jobs: &[JobSummary]) {
        match &mut *self.form.borrow_mut() {
            Form::Bars(bars) => bars.update(jobs),
            Form::Lines(lines) => lines.update(jobs),
            Form::Nothing => {}
        }
    }

    /// Prints a message above the bars.
    pub(crate) fn say(&self, line: &str) {
        match &*self.form.borrow() {
            Form::Bars(bars) => bars.say(line),
            Form::Lines(_) | Form::Nothing => self.printer.notice(line),
        }
    }

    /// Clears the bars for a question or the final report. Failures remain.
    pub(crate) fn pause(&self) {
        if let Form::Bars(bars) = &mut *self.form.borrow_mut() {
            bars.pause();
        }
    }

    /// Shows the bars again after [`Self::pause`].
    pub(crate) fn resume(&self) {
        if let Form::Bars(bars) = &mut *self.form.borrow_mut() {
            bars.resume();
        }
    }
}
