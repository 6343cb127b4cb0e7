//! Finds commands.

use rusqlite::Connection;

use crate::services::ssm::progress::Progress;
use crate::services::ssm::rows::{CommandRow, read_command};

/// Conditions that the database evaluates, so that a list need not read all commands.
#[derive(Debug, Default)]
pub(super) struct Wanted {
    /// Requested after this, in milliseconds since 1970.
    pub(super) after: Option<i64>,
    /// Requested before this.
    pub(super) before: Option<i64>,
    pub(super) document: Option<String>,
    /// Whether all its invocations have ended.
    pub(super) ended: Option<bool>,
    /// On this instance.
    pub(super) instance: Option<String>,
    /// With an invocation of this progress, on that instance if one is given.
    pub(super) progress: Option<Vec<Progress>>,
}

/// The newest commands before a row id.
pub(super) fn commands_before(
    db: &Connection,
    before: i64,
    count: usize,
    wanted: &Wanted,
) -> rusqlite::Result<Vec<CommandRow>> {
    let progress = wanted.progress.as_ref().map(|all| {
        let names: Vec<_> = all.iter().map(|progress| progress.details()).collect();
        serde_json::json!(names).to_string()
    });
    db.prepare_cached(
        "SELECT id, command_id, sent, requested, cancelled FROM command c WHERE id < ?1
            AND (?3 IS NULL OR requested > ?3) AND (?4 IS NULL OR requested < ?4)
            AND (?5 IS NULL OR document = ?5)
            AND (?6 IS NULL OR ?6 <> EXISTS (SELECT 1 FROM invocation i WHERE i.command = c.id AND i.ended IS NULL))
            AND (?7 IS NULL AND ?8 IS NULL
                 OR EXISTS (SELECT 1 FROM invocation i WHERE i.command = c.id AND (?7 IS NULL OR i.instance_id = ?7)
                            AND (?8 IS NULL OR i.progress IN (SELECT value FROM json_each(?8)))))
         ORDER BY id DESC LIMIT ?2",
    )?
    .query_map(
        rusqlite::params![
            before,
            count,
            wanted.after,
            wanted.before,
            wanted.document,
            wanted.ended,
            wanted.instance,
            progress
        ],
        read_command,
    )?
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::services::ssm::launch::Outcome;
    use crate::services::ssm::rows::end;
    use crate::services::ssm::rows::tests::{database, done, put};

    #[test]
    fn the_database_finds_what_is_wanted() {
        let (_dir, mut db) = database();
        for (number, instances) in [(0, ["a", "b"]), (1, ["a", "c"]), (2, ["b", "c"])] {
            let (_, ids) = put(&mut db, &format!("c{number}"), &instances);
            db.execute(
                "UPDATE command SET requested = ?1 WHERE command_id = ?2",
                (number, format!("c{number}")),
            )
            .unwrap();
            end(&db, ids[0], &done()).unwrap();
            if number == 1 {
                end(&db, ids[1], &Outcome::without_process(Progress::Failed, 1, String::new())).unwrap();
            }
        }
        let found = |wanted: Wanted| -> Vec<String> {
            let rows = commands_before(&db, i64::MAX, 9, &wanted).unwrap();
            rows.into_iter().map(|command| command.command_id).collect()
        };
        let none = Wanted::default;
        assert_eq!(found(none()), ["c2", "c1", "c0"]);
        assert_eq!(found(Wanted { after: Some(0), before: Some(2), ..none() }), ["c1"]);
        assert_eq!(found(Wanted { document: Some("e".to_owned()), ..none() }), Vec::<String>::new());
        assert_eq!(found(Wanted { ended: Some(true), ..none() }), ["c1"]);
        assert_eq!(found(Wanted { ended: Some(false), ..none() }), ["c2", "c0"]);
        assert_eq!(found(Wanted { instance: Some("b".to_owned()), ..none() }), ["c2", "c0"]);
        let progress = Some(vec![Progress::Success, Progress::Failed]);
        assert_eq!(found(Wanted { progress: progress.clone(), ..none() }), ["c2", "c1", "c0"]);
        let instance = Some("c".to_owned());
        assert_eq!(found(Wanted { progress, instance, ..none() }), ["c1"]);
    }
}
