//! Deliveries in SQLite, and the task that carries them out.
//!
//! A row goes away when its delivery is done or given up. So after `kill -9` each delivery that was accepted and
//! not finished is made again: at least once, as the services promise it.

use std::collections::HashMap;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use rusqlite::Connection;
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::place;
use crate::services::link::Link;
use crate::storage::{Worker, WorkerGone};

/// The table that a service's schema needs.
pub(crate) const TABLE: &str = "
    CREATE TABLE delivery (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        target TEXT NOT NULL,
        payload TEXT NOT NULL,
        accepted INTEGER NOT NULL,
        due INTEGER NOT NULL,
        tries INTEGER NOT NULL
    ) STRICT;
    CREATE INDEX delivery_due ON delivery (due, id);";

/// Deliveries under way at the same time. Lambda's and SNS's own limits are far beyond one machine's needs.
const UNDER_WAY: usize = 64;

/// How long the queue waits when its database fails, for example because the disk is full.
const DATABASE_PAUSE: Duration = Duration::from_secs(1);

/// One delivery, as it is tried.
#[derive(Debug, Clone)]
pub(crate) struct Delivery {
    /// Its row; never used again for another.
    pub(crate) id: i64,
    /// Whom it is for, in the service's own words.
    pub(crate) target: String,
    /// What is delivered.
    pub(crate) payload: String,
    /// When it was accepted, in milliseconds since 1970.
    pub(crate) accepted: i64,
    /// Tries that failed before this one.
    pub(crate) tries: u32,
}

/// How a try ended.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// The target took it.
    Done,
    /// It is tried again.
    Again {
        /// The pause before that.
        after: Duration,
        /// Whether the try counts. What the target itself asks to be repeated does not.
        counts: bool,
        /// For the log.
        reason: String,
    },
    /// It is not tried again.
    Dropped {
        /// For the log.
        reason: String,
    },
}

/// Adds a delivery that is due at `due`, within the caller's transaction. The queue must be woken after that.
pub(crate) fn add(db: &Connection, target: &str, payload: &str, due: i64) -> rusqlite::Result<()> {
    db.prepare_cached(
        "INSERT INTO delivery (target, payload, accepted, due, tries) VALUES (?1, ?2, ?3, ?4, 0)",
    )?
    .execute((target, payload, place::now_ms(), due))
    .map(|_| ())
}

/// The task's handle. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Queue {
    wake: Arc<Notify>,
    closing: CancellationToken,
}

impl Queue {
    /// Carries out the deliveries of a database, beginning with those that were left over, as soon as `link` is tied.
    pub(crate) fn start<F>(
        service: &'static str,
        worker: Worker<Connection>,
        link: Link,
        deliver: impl Fn(Delivery) -> F + Send + 'static,
    ) -> Self
    where
        F: Future<Output = Outcome> + Send + 'static,
    {
        let queue = Self { wake: Arc::new(Notify::new()), closing: CancellationToken::new() };
        let running = queue.clone();
        tokio::spawn(async move {
            let mut run = Run { service, worker, tasks: JoinSet::new(), under_way: HashMap::new() };
            let closing = running.closing.clone();
            tokio::select! {
                () = closing.cancelled() => {}
                () = async {
                    link.tied().await;
                    run.run(&running.wake, deliver).await;
                } => {}
            }
        });
        queue
    }

    /// Says that there is something new.
    pub(crate) fn wake(&self) {
        self.wake.notify_one();
    }

    /// Starts no more tries. Those under way are given up here, and made again after the next start.
    pub(crate) fn close(&self) {
        self.closing.cancel();
    }
}

struct Run {
    service: &'static str,
    worker: Worker<Connection>,
    tasks: JoinSet<Outcome>,
    under_way: HashMap<tokio::task::Id, Delivery>,
}

impl Run {
    async fn run<F>(&mut self, wake: &Notify, deliver: impl Fn(Delivery) -> F)
    where
        F: Future<Output = Outcome> + Send + 'static,
    {
        loop {
            let pause = match self.due().await {
                Ok((due, pause)) => {
                    for delivery in due {
                        let task = self.tasks.spawn(deliver(delivery.clone()));
                        self.under_way.insert(task.id(), delivery);
                    }
                    pause
                }
                Err(Failed::Gone) => return,
                Err(Failed::Database(e)) => {
                    tracing::error!(service = self.service, "deliveries cannot be read: {e}");
                    Some(DATABASE_PAUSE)
                }
            };
            tokio::select! {
                () = wake.notified() => {}
                () = sleep(pause) => {}
                Some(ended) = self.tasks.join_next_with_id() => {
                    let (task, outcome) = match ended {
                        Ok(ended) => ended,
                        Err(e) => (e.id(), Outcome::Again {
                            after: DATABASE_PAUSE, counts: true, reason: "the try failed unexpectedly".to_owned(),
                        }),
                    };
                    if let Some(delivery) = self.under_way.remove(&task) {
                        let change = self.change(&delivery, outcome);
                        // However long that takes: forgotten, the delivery would be made again.
                        while let Err(Failed::Database(e)) = self.finish(change).await {
                            tracing::error!(service = self.service, "a delivery's end cannot be written: {e}");
                            tokio::time::sleep(DATABASE_PAUSE).await;
                        }
                    }
                }
            }
        }
    }

    /// What is due and not under way, and the time until the next is due.
    async fn due(&self) -> Result<(Vec<Delivery>, Option<Duration>), Failed> {
        let busy: Vec<i64> = self.under_way.values().map(|delivery| delivery.id).collect();
        let room = UNDER_WAY.saturating_sub(busy.len());
        let now = place::now_ms();
        let (due, next) = self
            .worker
            .run(move |db| {
                let mut due = Vec::new();
                if room > 0 {
                    due = db
                        .prepare_cached(
                            // Of what is under way, the payload is not read again at every look.
                            "SELECT id, target, payload, accepted, tries FROM delivery
                             WHERE due <= ?1 AND id NOT IN (SELECT value FROM json_each(?2))
                             ORDER BY due, id LIMIT ?3",
                        )?
                        .query_map((now, serde_json::json!(busy).to_string(), room), |row| {
                            Ok(Delivery {
                                id: row.get(0)?,
                                target: row.get(1)?,
                                payload: row.get(2)?,
                                accepted: row.get(3)?,
                                tries: row.get(4)?,
                            })
                        })?
                        .collect::<rusqlite::Result<Vec<_>>>()?;
                }
                let next: Option<i64> = db
                    .prepare_cached("SELECT MIN(due) FROM delivery WHERE due > ?1")?
                    .query_row([now], |row| row.get(0))?;
                Ok::<_, rusqlite::Error>((due, next))
            })
            .await??;
        let pause = next.map(|next| Duration::from_millis(u64::try_from(next - now).unwrap_or(0)));
        Ok((due, pause))
    }

    /// What a try's outcome makes of its row.
    fn change(&self, delivery: &Delivery, outcome: Outcome) -> Change {
        let (service, id) = (self.service, delivery.id);
        let (after, counts) = match outcome {
            Outcome::Again { after, counts, reason } => {
                tracing::warn!(service, delivery = id, "tried again in {after:?}: {reason}");
                (Some(after), counts)
            }
            Outcome::Done => (None, false),
            Outcome::Dropped { reason } => {
                tracing::error!(service, delivery = id, "given up: {reason}");
                (None, false)
            }
        };
        let due = after.map(|after| place::now_ms() + i64::try_from(after.as_millis()).unwrap_or(0));
        Change { id, due, counts }
    }

    async fn finish(&self, Change { id, due, counts }: Change) -> Result<(), Failed> {
        self.worker
            .run(move |db| match due {
                None => db.prepare_cached("DELETE FROM delivery WHERE id = ?1")?.execute([id]),
                Some(due) => db
                    .prepare_cached("UPDATE delivery SET due = ?2, tries = tries + ?3 WHERE id = ?1")?
                    .execute((id, due, i64::from(counts))),
            })
            .await??;
        Ok(())
    }
}

/// What is to be written of a delivery.
#[derive(Clone, Copy)]
struct Change {
    id: i64,
    /// When it is tried again; done with, if never.
    due: Option<i64>,
    /// Whether the try counts.
    counts: bool,
}

enum Failed {
    /// The endpoint is closing.
    Gone,
    Database(rusqlite::Error),
}

impl From<WorkerGone> for Failed {
    fn from(_: WorkerGone) -> Self {
        Self::Gone
    }
}

impl From<rusqlite::Error> for Failed {
    fn from(e: rusqlite::Error) -> Self {
        Self::Database(e)
    }
}

async fn sleep(pause: Option<Duration>) {
    match pause {
        Some(pause) => tokio::time::sleep(pause).await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use tokio::sync::mpsc;

    use super::*;
    use crate::storage::Schema;

    fn worker(dir: &std::path::Path) -> Worker<Connection> {
        let schema = Schema { file: "queue.sqlite3", version: 1, tables: TABLE };
        Worker::start("queue", schema.open(dir).unwrap()).unwrap()
    }

    async fn rows(worker: &Worker<Connection>) -> i64 {
        let count = |db: &mut Connection| db.query_row("SELECT COUNT(*) FROM delivery", [], |row| row.get(0));
        worker.run(count).await.unwrap().unwrap()
    }

    /// A queue whose tries are seen by the test, which answers them.
    fn seen(
        worker: Worker<Connection>,
    ) -> (Queue, mpsc::UnboundedReceiver<(Delivery, tokio::sync::oneshot::Sender<Outcome>)>) {
        let (sender, seen) = mpsc::unbounded_channel();
        let queue = Queue::start("test", worker, Link::tied_to_nothing(), move |delivery| {
            let (answer, answered) = tokio::sync::oneshot::channel();
            sender.send((delivery, answer)).unwrap();
            async { answered.await.unwrap() }
        });
        (queue, seen)
    }

    #[tokio::test]
    async fn a_delivery_goes_away_only_when_it_is_done() {
        let dir = tempfile::tempdir().unwrap();
        let first = worker(dir.path());
        first.run(|db| add(db, "t", "p", 0)).await.unwrap().unwrap();
        let (queue, mut tries) = seen(first.clone());
        let (delivery, answer) = tries.recv().await.unwrap();
        assert_eq!((delivery.target.as_str(), delivery.payload.as_str(), delivery.tries), ("t", "p", 0));
        let again = |counts| Outcome::Again { after: Duration::ZERO, counts, reason: String::new() };
        answer.send(again(true)).unwrap();
        let (delivery, answer) = tries.recv().await.unwrap();
        assert_eq!(delivery.tries, 1);
        answer.send(again(false)).unwrap();
        let (delivery, _lost) = tries.recv().await.unwrap();
        assert_eq!(delivery.tries, 1);
        // The endpoint ends here, in the middle of a try.
        queue.close();
        first.close().await;
        let second = worker(dir.path());
        let (_queue, mut tries) = seen(second.clone());
        let (delivery, answer) = tries.recv().await.unwrap();
        assert_eq!(delivery.tries, 1);
        answer.send(Outcome::Done).unwrap();
        while rows(&second).await > 0 {
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn what_is_under_way_is_not_started_twice_and_all_get_their_turn() {
        let dir = tempfile::tempdir().unwrap();
        let worker = worker(dir.path());
        let many = UNDER_WAY * 2;
        worker
            .run(move |db| (0..many).try_for_each(|n| add(db, "t", &n.to_string(), 0)))
            .await
            .unwrap()
            .unwrap();
        let (queue, mut tries) = seen(worker.clone());
        let mut ids = HashSet::new();
        let mut answers = Vec::new();
        for _ in 0..UNDER_WAY {
            let (delivery, answer) = tries.recv().await.unwrap();
            assert!(ids.insert(delivery.id));
            answers.push(answer);
            queue.wake();
        }
        for answer in answers {
            answer.send(Outcome::Done).unwrap();
        }
        for _ in 0..UNDER_WAY {
            let (delivery, answer) = tries.recv().await.unwrap();
            assert!(ids.insert(delivery.id));
            answer.send(Outcome::Dropped { reason: String::new() }).unwrap();
        }
        while rows(&worker).await > 0 {
            tokio::task::yield_now().await;
        }
    }
}
