//! The decisions of the guard, as pure state: times are parameters, signals are results.

use std::time::Duration;

use super::message::{GuardCommand, Start};
use crate::clock::BootTime;
use crate::lease::Deadline;

/// The signal to send now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Nothing.
    Nothing,
    /// SIGTERM, once to each process.
    Terminate,
    /// SIGKILL, repeatedly until all have ended.
    Kill,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Running,
    /// The script has ended, but not all of its processes.
    Lingering {
        until: BootTime,
    },
    Stopping {
        kill_at: BootTime,
    },
    Killing,
}

/// The state of one script, from its start until all its processes have ended.
#[derive(Clone, Debug)]
pub struct Watch {
    deadline: Deadline,
    grace: Duration,
    linger: Duration,
    phase: Phase,
    overdue: bool,
}

impl Watch {
    /// Starts, unless the deadline has passed.
    #[must_use]
    pub fn begin(start: &Start, now: BootTime) -> Option<Self> {
        (now < start.deadline.term_at).then_some(Self {
            deadline: start.deadline,
            grace: start.grace,
            linger: start.linger,
            phase: Phase::Running,
            overdue: false,
        })
    }

    /// Applies a command.
    pub fn obey(&mut self, order: &GuardCommand, now: BootTime) {
        match order {
            // A delayed command must not shorten a later deadline.
            GuardCommand::Extend(Deadline { term_at, kill_at }) => {
                self.deadline.term_at = self.deadline.term_at.max(*term_at);
                self.deadline.kill_at = self.deadline.kill_at.max(*kill_at);
            }
            GuardCommand::Stop => self.stop(now),
            GuardCommand::Kill => self.phase = Phase::Killing,
        }
    }

    /// The agent has ended, so the deadline will not be extended.
    pub fn agent_gone(&mut self, now: BootTime) {
        self.stop(now);
    }

    /// The script itself has ended. Others of its processes may remain. Returns whether it ended by itself, so that it left
    /// them.
    pub fn script_ended(&mut self, now: BootTime) -> bool {
        let unasked = self.phase == Phase::Running;
        if unasked {
            self.phase = Phase::Lingering { until: now.plus(self.linger) };
        }
        unasked
    }

    /// The action at this time.
    #[must_use]
    pub fn action(&mut self, now: BootTime) -> Action {
        match self.phase {
            Phase::Running if now >= self.deadline.term_at => {
                self.overdue = true;
                self.stop(now);
            }
            Phase::Lingering { until } if now >= until.min(self.deadline.term_at) => self.stop(now),
            _ => {}
        }
        if let Phase::Stopping { kill_at } = self.phase
            && now >= kill_at.min(self.deadline.kill_at)
        {
            self.phase = Phase::Killing;
        }
        match self.phase {
            Phase::Running | Phase::Lingering { .. } => Action::Nothing,
            Phase::Stopping { .. } => Action::Terminate,
            Phase::Killing => Action::Kill,
        }
    }

    /// Whether the script is being ended because the deadline was not extended.
    #[must_use]
    pub const fn is_overdue(&self) -> bool {
        self.overdue
    }

    /// When [`Self::action`] may have a new result.
    #[must_use]
    pub fn wake_at(&self, now: BootTime) -> BootTime {
        match self.phase {
            Phase::Running => self.deadline.term_at,
            Phase::Lingering { until } => until.min(self.deadline.term_at),
            Phase::Stopping { kill_at } => kill_at.min(self.deadline.kill_at),
            // Children of a killed process become children of the guard, which then kills them.
            Phase::Killing => now.plus(Duration::from_millis(5)),
        }
    }

    fn stop(&mut self, now: BootTime) {
        if matches!(self.phase, Phase::Running | Phase::Lingering { .. }) {
            self.phase = Phase::Stopping { kill_at: now.plus(self.grace) };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(second: u64) -> BootTime {
        BootTime::from_duration(Duration::from_secs(second))
    }

    fn watch() -> Watch {
        Watch::begin(&start(), at(0)).unwrap()
    }

    fn start() -> Start {
        Start {
            deadline: Deadline { term_at: at(100), kill_at: at(110) },
            grace: Duration::from_secs(10),
            linger: Duration::from_secs(5),
            run_as: None,
        }
    }

    #[test]
    fn nothing_starts_after_the_deadline() {
        assert!(Watch::begin(&start(), at(99)).is_some());
        assert!(Watch::begin(&start(), at(100)).is_none());
    }

    #[test]
    fn a_deadline_that_is_not_moved_on_ends_the_script() {
        let mut watch = watch();
        assert_eq!(watch.action(at(99)), Action::Nothing);
        assert_eq!(watch.wake_at(at(99)), at(100));
        assert!(!watch.is_overdue());
        assert_eq!(watch.action(at(100)), Action::Terminate);
        assert!(watch.is_overdue());
        assert_eq!(watch.wake_at(at(100)), at(110));
        assert_eq!(watch.action(at(110)), Action::Kill);
    }

    #[test]
    fn a_deadline_that_is_moved_on_does_not() {
        let mut watch = watch();
        watch.obey(&GuardCommand::Extend(Deadline { term_at: at(200), kill_at: at(210) }), at(50));
        assert_eq!(watch.action(at(199)), Action::Nothing);
        assert_eq!(watch.action(at(200)), Action::Terminate);
        watch.obey(&GuardCommand::Extend(Deadline { term_at: at(300), kill_at: at(310) }), at(201));
        assert_eq!(watch.action(at(210)), Action::Kill, "a stop that has begun goes on");
    }

    #[test]
    fn an_overtaken_extension_shortens_nothing() {
        let mut watch = watch();
        watch.obey(&GuardCommand::Extend(Deadline { term_at: at(200), kill_at: at(210) }), at(50));
        watch.obey(&GuardCommand::Extend(Deadline { term_at: at(150), kill_at: at(160) }), at(51));
        assert_eq!(watch.action(at(199)), Action::Nothing);
        assert_eq!(watch.wake_at(at(199)), at(200));
    }

    #[test]
    fn a_suspended_machine_wakes_to_a_kill() {
        let mut watch = watch();
        assert_eq!(watch.action(at(5000)), Action::Kill);
    }

    #[test]
    fn a_lost_agent_leaves_the_script_its_grace() {
        let mut watch = watch();
        watch.agent_gone(at(50));
        assert_eq!(watch.action(at(50)), Action::Terminate);
        assert_eq!(watch.action(at(60)), Action::Kill);
        assert!(!watch.is_overdue());
    }

    #[test]
    fn what_a_script_leaves_running_lingers_and_is_then_ended() {
        let mut watch = watch();
        watch.script_ended(at(50));
        assert_eq!(watch.action(at(54)), Action::Nothing);
        assert_eq!(watch.action(at(55)), Action::Terminate);
        assert_eq!(watch.action(at(65)), Action::Kill);
    }

    fn orders() -> impl Strategy<Value = GuardCommand> {
        prop_oneof![
            Just(GuardCommand::Stop),
            Just(GuardCommand::Kill),
            (100u64..300)
                .prop_map(|end| GuardCommand::Extend(Deadline { term_at: at(end), kill_at: at(end + 10) })),
        ]
    }

    proptest! {
        #[test]
        fn nothing_gets_past_the_deadline_and_no_stop_is_taken_back(
            events in proptest::collection::vec((0u64..20, proptest::option::of(orders()), any::<bool>()), 0..20),
        ) {
            let mut watch = watch();
            let (mut now, mut worst) = (0, Action::Nothing);
            for (later, order, ended) in events {
                now += later;
                if let Some(order) = order {
                    watch.obey(&order, at(now));
                }
                if ended {
                    watch.script_ended(at(now));
                }
                let action = watch.action(at(now));
                let rank = |a| match a { Action::Nothing => 0, Action::Terminate => 1, Action::Kill => 2 };
                prop_assert!(rank(action) >= rank(worst));
                worst = action;
                if now >= 310 {
                    prop_assert_eq!(action, Action::Kill);
                }
                prop_assert!(action != Action::Nothing || watch.wake_at(at(now)) > at(now));
            }
        }
    }
}
