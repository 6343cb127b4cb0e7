//! What the guard does and when, as pure state: moments are parameters, signals are answers.

use std::time::Duration;

use super::message::{Order, Start};
use crate::clock::BootTime;
use crate::lease::Deadline;

/// What the processes are to be sent now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Nothing.
    Nothing,
    /// SIGTERM, to each process once.
    Terminate,
    /// SIGKILL, again and again until all are gone.
    Kill,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Running,
    /// The script has ended, something that it started has not.
    Lingering {
        until: BootTime,
    },
    Stopping {
        kill_at: BootTime,
    },
    Killing,
}

/// One script's watch, from its start until all its processes are gone.
#[derive(Clone, Debug)]
pub struct Watch {
    deadline: Deadline,
    grace: Duration,
    linger: Duration,
    phase: Phase,
    overdue: bool,
}

impl Watch {
    /// Begins, unless it is too late to start anything.
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

    /// Takes an order.
    pub fn obey(&mut self, order: &Order, now: BootTime) {
        match order {
            // One that was overtaken must not shorten what a later one has won.
            Order::Extend(Deadline { term_at, kill_at }) => {
                self.deadline.term_at = self.deadline.term_at.max(*term_at);
                self.deadline.kill_at = self.deadline.kill_at.max(*kill_at);
            }
            Order::Stop => self.stop(now),
            Order::Kill => self.phase = Phase::Killing,
        }
    }

    /// Nobody is left to move the deadline on.
    pub fn agent_gone(&mut self, now: BootTime) {
        self.stop(now);
    }

    /// The script itself has ended; others of its processes may be left. Answers whether it ended unasked, so
    /// that those are its fault.
    pub fn script_ended(&mut self, now: BootTime) -> bool {
        let unasked = self.phase == Phase::Running;
        if unasked {
            self.phase = Phase::Lingering { until: now.plus(self.linger) };
        }
        unasked
    }

    /// What to do now.
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

    /// Whether the script is being ended because nobody moved the deadline on, which its own end will not show.
    #[must_use]
    pub const fn is_overdue(&self) -> bool {
        self.overdue
    }

    /// When [`Self::action`] may have something new to say.
    #[must_use]
    pub fn wake_at(&self, now: BootTime) -> BootTime {
        match self.phase {
            Phase::Running => self.deadline.term_at,
            Phase::Lingering { until } => until.min(self.deadline.term_at),
            Phase::Stopping { kill_at } => kill_at.min(self.deadline.kill_at),
            // A killed process leaves its children to the guard, which then kills those.
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
        watch.obey(&Order::Extend(Deadline { term_at: at(200), kill_at: at(210) }), at(50));
        assert_eq!(watch.action(at(199)), Action::Nothing);
        assert_eq!(watch.action(at(200)), Action::Terminate);
        watch.obey(&Order::Extend(Deadline { term_at: at(300), kill_at: at(310) }), at(201));
        assert_eq!(watch.action(at(210)), Action::Kill, "a stop that has begun goes on");
    }

    #[test]
    fn an_overtaken_extension_shortens_nothing() {
        let mut watch = watch();
        watch.obey(&Order::Extend(Deadline { term_at: at(200), kill_at: at(210) }), at(50));
        watch.obey(&Order::Extend(Deadline { term_at: at(150), kill_at: at(160) }), at(51));
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

    fn orders() -> impl Strategy<Value = Order> {
        prop_oneof![
            Just(Order::Stop),
            Just(Order::Kill),
            (100u64..300).prop_map(|end| Order::Extend(Deadline { term_at: at(end), kill_at: at(end + 10) })),
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
