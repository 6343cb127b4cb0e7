//! Forgetting.

use jiff::{SignedDuration, Timestamp};
use rusqlite::Connection;

/// How long the service remembers an execution that is over.
///
/// <https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html#service-limits-state-machine-executions>
const REMEMBERED: SignedDuration = SignedDuration::from_hours(90 * 24);

/// Removes executions that were over before that, with all that belongs to them. Those that the rules were not told
/// of yet stay.
pub(super) fn forget_old(db: &Connection) -> rusqlite::Result<()> {
    let before = Timestamp::now().checked_sub(REMEMBERED).unwrap_or(Timestamp::MIN).as_millisecond();
    db.execute("DELETE FROM execution WHERE stopped < ?1 AND announced = 1", [before])?;
    db.execute(
        "DELETE FROM definition WHERE id NOT IN (SELECT definition_id FROM machine
                                                 UNION SELECT definition_id FROM execution)",
        [],
    )?;
    Ok(())
}
