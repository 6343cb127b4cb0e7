//! Time zones, from the database that is built in: a Lambda function has none of its own, and one machine must
//! not know another date than the next.

use jiff::tz::{TimeZone, TimeZoneDatabase};

use crate::Timestamp;

/// The zone of an IANA name, in any case of letters.
pub(crate) fn find(name: &str) -> Option<TimeZone> {
    TimeZoneDatabase::bundled().get(name).ok()
}

/// All names.
pub(crate) fn names() -> Vec<String> {
    TimeZoneDatabase::bundled().available().map(|name| name.as_str().to_owned()).collect()
}

/// The date of a moment in a zone, as `2026-11-21`.
pub(crate) fn date(moment: Timestamp, zone: TimeZone) -> String {
    moment.to_jiff().to_zoned(zone).date().to_string()
}
