//! A run while it is followed.
//!
//! [`view`] chooses between bars, one counter, lines and nothing; [`screen`] says what the bars show, without a
//! terminal; [`bars`] draws that; [`lines`] tells each change once.

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

/// Shows what becomes of a run. Shared between who reads the tables and who asks the operator, in one task.
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

    /// Shows the jobs as they stand.
    pub(crate) fn tell(&self, jobs: &[JobSummary]) {
        match &mut *self.form.borrow_mut() {
            Form::Bars(bars) => bars.tell(jobs),
            Form::Lines(lines) => lines.tell(jobs),
            Form::Nothing => {}
        }
    }

    /// Tells what the operator must see, above what moves.
    pub(crate) fn say(&self, line: &str) {
        match &*self.form.borrow() {
            Form::Bars(bars) => bars.say(line),
            Form::Lines(_) | Form::Nothing => self.printer.notice(line),
        }
    }

    /// Leaves the screen to a question, or to the report of the end. What failed stays.
    pub(crate) fn pause(&self) {
        if let Form::Bars(bars) = &mut *self.form.borrow_mut() {
            bars.pause();
        }
    }

    /// Shows again what [`Self::pause`] took away.
    pub(crate) fn resume(&self) {
        if let Form::Bars(bars) = &mut *self.form.borrow_mut() {
            bars.resume();
        }
    }
}
