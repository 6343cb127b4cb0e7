//! A case while it runs: what was called, and what is done about it.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use crate::processes::{self, Kind};
use crate::spec::{Action, Fault, Spec};
use crate::tables::Tables;
use crate::times::{LONG, OVERTAKEN, SHORT};
use crate::world::World;

/// Who calls, and how many such calls there were.
pub type Counts = HashMap<(String, String), u32>;

/// A case under way.
pub struct Case {
    /// The run's id, which is the workflow's too.
    pub run: String,
    /// What goes wrong.
    pub spec: Spec,
    /// Where the instance looks what to do with its commands.
    pub dir: PathBuf,
    /// The instances that its jobs may run on.
    pub instances: Vec<String>,
    /// The world that it is in.
    pub world: Arc<World>,
    counts: Mutex<Counts>,
    struck: Mutex<Vec<bool>>,
    outages: Mutex<Vec<Outage>>,
    refused: Mutex<Option<Option<Instant>>>,
    story: Mutex<Vec<(Instant, String)>>,
    violations: Mutex<Vec<String>>,
    began: Instant,
    /// The end was seen; what strikes now changes nothing any more.
    pub over: AtomicBool,
    /// A call or a function took longer than it may, and no fault was the reason: this machine is too slow at the moment.
    pub too_slow: AtomicBool,
}

/// Calls that do not get through.
#[derive(Clone, Debug)]
struct Outage {
    client: String,
    service: Option<String>,
    until: Instant,
    /// Calls arrive; answers do not.
    deaf: bool,
}

/// What an outage does to a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Silence {
    /// How long no answer comes.
    pub until: Instant,
    /// Whether the call arrives.
    pub arrives: bool,
}

impl Case {
    /// A case that has not begun.
    pub fn new(run: String, spec: Spec, dir: PathBuf, instances: Vec<String>, world: Arc<World>) -> Self {
        let struck = Mutex::new(vec![false; spec.faults.len()]);
        Self {
            run,
            spec,
            dir,
            instances,
            world,
            struck,
            counts: Mutex::default(),
            outages: Mutex::default(),
            refused: Mutex::default(),
            story: Mutex::default(),
            violations: Mutex::default(),
            began: Instant::now(),
            over: AtomicBool::new(false),
            too_slow: AtomicBool::new(false),
        }
    }

    /// Counts a call and gives the faults that befall it.
    pub fn enter(&self, client: &str, operation: &str) -> Vec<Fault> {
        let nth = {
            let mut counts = lock(&self.counts);
            let count = counts.entry((client.to_owned(), operation.to_owned())).or_default();
            *count += 1;
            *count
        };
        let hit = |fault: &Fault| fault.client == client && fault.operation == operation && fault.nth == nth;
        let mut found = Vec::new();
        for (index, fault) in self.spec.faults.iter().enumerate().filter(|(_, fault)| hit(fault)) {
            lock(&self.struck)[index] = true;
            self.tell(format!("{fault}"));
            found.push(fault.clone());
        }
        found
    }

    /// Counts a command that the instance counted itself.
    pub fn delivered(&self, times: u32) {
        if times > 0 {
            lock(&self.counts).insert(("ssm".to_owned(), "deliver".to_owned()), times);
        }
        for (index, fault) in self.spec.faults.iter().enumerate() {
            if fault.client == "ssm" && fault.nth <= times || fault.operation == "disk" && times > 0 {
                lock(&self.struck)[index] = true;
            }
        }
    }

    /// How often each call was made.
    pub fn counts(&self) -> Counts {
        lock(&self.counts).clone()
    }

    /// Which of its faults struck.
    pub fn struck(&self) -> Vec<bool> {
        lock(&self.struck).clone()
    }

    /// Notes what happened, for whoever reads of a violation.
    pub fn tell(&self, what: impl Into<String>) {
        lock(&self.story).push((Instant::now(), what.into()));
    }

    /// What happened, with seconds since the start.
    pub fn story(&self) -> Vec<String> {
        let line = |(at, what): &(Instant, String)| {
            format!("{:6.2} s  {what}", at.duration_since(self.began).as_secs_f64())
        };
        lock(&self.story).iter().map(line).collect()
    }

    /// What a proxy saw that must not be.
    pub fn violate(&self, what: String) {
        lock(&self.violations).push(what);
    }

    /// All of that.
    pub fn violations(&self) -> Vec<String> {
        lock(&self.violations).clone()
    }

    /// Whether a call of this client to this service gets through now.
    pub fn silence(&self, client: &str, service: &str) -> Option<Silence> {
        let now = Instant::now();
        let outages = lock(&self.outages);
        let outage = outages.iter().find(|outage| {
            outage.client == client
                && outage.until > now
                && outage.service.as_ref().is_none_or(|down| down == service)
        })?;
        Some(Silence { until: outage.until, arrives: outage.deaf })
    }

    /// Whether Systems Manager refuses commands for the first instance now.
    pub fn is_refused(&self) -> bool {
        lock(&self.refused).is_some_and(|until| until.is_none_or(|until| until > Instant::now()))
    }

    /// Does what a fault does beside the call itself. `pid` is the function that calls, if one does.
    pub async fn strike(self: &Arc<Self>, fault: &Fault, service: &str, pid: Option<i32>) {
        use Kind::{Agent, Guard, Script};
        match fault.action {
            Action::OffShort => self.outage(fault, None, SHORT, false),
            Action::OffLong => self.outage(fault, None, LONG, false),
            Action::OffOvertaken => self.outage(fault, None, OVERTAKEN, false),
            Action::DeafLong => self.outage(fault, None, LONG, true),
            Action::ServiceOff => self.outage(fault, Some(service), LONG, false),
            Action::ServiceDeaf => self.outage(fault, Some(service), LONG, true),
            Action::KillAgent => self.signal(&[Agent], Signal::SIGKILL),
            Action::KillGuard => self.signal(&[Guard], Signal::SIGKILL),
            Action::KillBoth => self.signal(&[Agent, Guard], Signal::SIGKILL),
            Action::KillScript => self.signal(&[Script], Signal::SIGKILL),
            Action::StopAgentShort => self.stop(&[Agent], SHORT),
            Action::StopAgentLong => self.stop(&[Agent], LONG),
            Action::StopAgentOvertaken => self.stop(&[Agent], OVERTAKEN),
            Action::StopGuardLong => self.stop(&[Guard], LONG),
            Action::StopScriptLong => self.stop(&[Script], LONG),
            Action::Suspend => self.stop(&[Script, Agent, Guard], LONG),
            Action::KillSelf => self.of_function(pid, Signal::SIGKILL),
            Action::FreezeSelf => {
                self.of_function(pid, Signal::SIGSTOP);
                let case = Arc::clone(self);
                let limit = self.world.limit(&fault.client) + Duration::from_millis(1_500);
                tokio::spawn(async move {
                    tokio::time::sleep(limit).await;
                    case.of_function(pid, Signal::SIGCONT);
                });
            }
            Action::Abort => self.tables().abort(&self.run).await,
            Action::Cancel => self.tables().cancel(&self.run).await,
            Action::RowNewer => self.tables().spoil(&self.run, "contract", "99").await,
            Action::RowBroken => self.tables().spoil(&self.run, "tries", "7").await,
            Action::RowLarge => self.tables().fill(&self.run).await,
            Action::Vanish => self.vanish(None),
            Action::VanishBack => self.vanish(Some(Duration::from_secs(4))),
            Action::Drain => *lock(&self.refused) = Some(None),
            Action::KillEndpoint => self.world.kill_endpoint().await,
            Action::StopEndpoint => self.world.stop_endpoint(Duration::from_secs(2)),
            Action::ClockAhead => self.world.set_clock(&self.run, 3_600),
            Action::ClockBack => self.world.set_clock(&self.run, -3_600),
            _ => {}
        }
    }

    fn tables(&self) -> &Tables {
        &self.world.tables
    }

    fn outage(&self, fault: &Fault, service: Option<&str>, length: Duration, deaf: bool) {
        lock(&self.outages).push(Outage {
            client: fault.client.clone(),
            service: service.map(str::to_owned),
            until: Instant::now() + length,
            deaf,
        });
    }

    fn signal(&self, kinds: &[Kind], signal: Signal) {
        let count = processes::signal(&self.run, kinds, signal);
        self.tell(format!("{signal} to {count} of {kinds:?}"));
    }

    fn stop(self: &Arc<Self>, kinds: &'static [Kind], length: Duration) {
        self.signal(kinds, Signal::SIGSTOP);
        let case = Arc::clone(self);
        tokio::spawn(async move {
            tokio::time::sleep(length).await;
            case.signal(kinds, Signal::SIGCONT);
        });
    }

    fn of_function(&self, pid: Option<i32>, signal: Signal) {
        if let Some(pid) = pid.filter(|pid| *pid > 0) {
            let _ = nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), signal);
        }
    }

    fn vanish(&self, back: Option<Duration>) {
        *lock(&self.refused) = Some(back.map(|back| Instant::now() + back));
        self.signal(&[Kind::Agent, Kind::Guard, Kind::Script, Kind::Delivery], Signal::SIGKILL);
    }

    /// Whether the end was seen.
    pub fn is_over(&self) -> bool {
        self.over.load(Ordering::Relaxed)
    }
}

/// A lock whose holder may have panicked.
pub fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
