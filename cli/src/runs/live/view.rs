//! Selects how a run is shown.

use crate::output::Printer;

/// The inputs of the selection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Surroundings {
    /// `--quiet`
    pub(super) quiet: bool,
    /// Columns and lines of the terminal on standard error, if it is one.
    pub(super) terminal: Option<(usize, usize)>,
    /// `TERM=dumb` or not set: the terminal cannot move its cursor.
    pub(super) is_dumb: bool,
    /// `CI` is set: the output is stored in a file, even if it looks like a terminal.
    pub(super) is_ci: bool,
}

/// How a run is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum View {
    /// A bar for the workflow, one for the stage, and a row for each running job.
    Bars { width: usize, height: usize },
    /// One line with counts.
    Counter { width: usize },
    /// A line for each change.
    Lines,
    /// Only messages that are always shown.
    Nothing,
}

/// Smallest width for a bar and a name side by side.
const NARROW: usize = 50;
/// Smallest height for rows. With less, the rows would scroll failures off the screen.
const LOW: usize = 12;

/// Selects the view. The first line that applies decides:
///
/// | environment | view |
/// | --- | --- |
/// | `--quiet` | nothing |
/// | standard error is not a terminal | lines |
/// | `TERM=dumb`, or no `TERM` | lines |
/// | `CI` is set | lines |
/// | under 50 columns, or under 12 lines | one line with counts |
/// | else | bars |
///
/// `NO_COLOR` only removes the colours.
pub(super) const fn choose(surroundings: &Surroundings) -> View {
    match surroundings {
        Surroundings { quiet: true, .. } => View::Nothing,
        Surroundings { terminal: None, .. } => View::Lines,
        Surroundings { is_dumb: true, .. } | Surroundings { is_ci: true, .. } => View::Lines,
        Surroundings { terminal: Some((width, height)), .. } => {
            if *width < NARROW || *height < LOW {
                View::Counter { width: *width }
            } else {
                View::Bars { width: *width, height: *height }
            }
        }
    }
}

impl Surroundings {
    /// The inputs of this process.
    pub(super) fn of(printer: Printer) -> Self {
        let terminal = console::Term::stderr();
        let size = terminal.is_term().then(|| terminal.size_checked()).flatten();
        Self {
            quiet: printer.is_quiet(),
            terminal: size.map(|(height, width)| (usize::from(width), usize::from(height))),
            is_dumb: std::env::var("TERM").map_or(true, |term| term.is_empty() || term == "dumb"),
            is_ci: std::env::var_os("CI").is_some_and(|ci| !ci.is_empty() && ci != "false"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_surroundings_have_their_view() {
        let wide = Surroundings { quiet: false, terminal: Some((80, 24)), is_dumb: false, is_ci: false };
        assert_eq!(choose(&wide), View::Bars { width: 80, height: 24 });
        assert_eq!(choose(&Surroundings { quiet: true, ..wide }), View::Nothing);
        assert_eq!(choose(&Surroundings { terminal: None, ..wide }), View::Lines);
        assert_eq!(choose(&Surroundings { terminal: None, quiet: true, ..wide }), View::Nothing);
        assert_eq!(choose(&Surroundings { is_dumb: true, ..wide }), View::Lines);
        assert_eq!(choose(&Surroundings { is_ci: true, ..wide }), View::Lines);
        assert_eq!(choose(&Surroundings { terminal: Some((49, 24)), ..wide }), View::Counter { width: 49 });
        assert_eq!(choose(&Surroundings { terminal: Some((80, 11)), ..wide }), View::Counter { width: 80 });
        assert_eq!(
            choose(&Surroundings { terminal: Some((50, 12)), ..wide }),
            View::Bars { width: 50, height: 12 }
        );
    }
}
