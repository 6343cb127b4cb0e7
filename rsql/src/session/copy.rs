//! COPY … FROM STDIN with its data in the script, and Redshift's COPY and UNLOAD against a directory.

use std::io::Write;

use super::execute::Failure;
use super::{QueryTarget, Session, Source};
use crate::connection::{Column, Connection, Event, ServerError, WireError};
use crate::dialect::{CopyFrom, Unload};

impl Session {
    /// Feeds the lines of the script up to `\.` to the server.
    pub(super) fn copy_in(
        &mut self,
        connection: &mut Connection,
        source: &mut Source,
    ) -> Result<(), WireError> {
        loop {
            match source.next_line().map_err(WireError::Io)? {
                None => break,
                Some(line) if line.trim_end_matches('\r') == "\\." => break,
                Some(mut line) => {
                    line.push('\n');
                    connection.copy_data(line.as_bytes())?;
                }
            }
        }
        if let Some(place) = self.places.last_mut() {
            place.line = source.line();
        }
        connection.copy_end(None)
    }

    /// Redshift's COPY: the files under `--s3-root` go to the server as COPY … FROM STDIN.
    pub(super) fn copy_from(&mut self, copy: &CopyFrom) -> Result<(), Failure> {
        let columns = self.table(&copy.probe).map_err(Failure::Server)?.columns;
        let Some(mut connection) = self.connection.take() else { return Err(not_connected()) };
        self.canceller.set(connection.cancel_key());
        let outcome = self.copy_files(&mut connection, copy, &columns);
        if !matches!(outcome, Err(Failure::Lost(_) | Failure::Output(_))) {
            self.connection = Some(connection);
        }
        let rows = outcome?;
        self.done(&format!("COPY {rows}"), &QueryTarget::Print, rows, false).map_err(Failure::from)
    }

    fn copy_files(
        &mut self,
        connection: &mut Connection,
        copy: &CopyFrom,
        columns: &[Column],
    ) -> Result<u64, Failure> {
        connection.start_query(&copy.statement)?;
        let mut failure = None;
        let mut rows = 0;
        loop {
            match connection.next_event()? {
                Event::CopyIn => {
                    let mut send = |data: &[u8]| connection.copy_data(data).map_err(std::io::Error::other);
                    let fed = copy.feed(columns, &mut send);
                    match fed {
                        Ok(()) => connection.copy_end(None)?,
                        Err(e) => {
                            let message = e.to_string();
                            failure = Some(Box::new(ServerError::client("XX000", message.clone())));
                            connection.copy_end(Some(&message))?;
                        }
                    }
                }
                Event::Complete(tag) => {
                    rows = tag.rsplit(' ').next().and_then(|n| n.parse().ok()).unwrap_or(0);
                }
                Event::Error(error) => failure = failure.or(Some(error)),
                Event::Notice(notice) => self.complain(&notice.report(None, false))?,
                Event::Ready => break,
                _ => {}
            }
        }
        failure.map_or(Ok(rows), |error| Err(Failure::Server(error)))
    }

    /// Redshift's UNLOAD: what COPY … TO STDOUT sends goes to a file under `--s3-root`.
    pub(super) fn unload(&mut self, unload: &Unload) -> Result<(), Failure> {
        let Some(mut connection) = self.connection.take() else { return Err(not_connected()) };
        self.canceller.set(connection.cancel_key());
        let outcome = self.unload_files(&mut connection, unload);
        if !matches!(outcome, Err(Failure::Lost(_) | Failure::Output(_))) {
            self.connection = Some(connection);
        }
        let rows = outcome?;
        self.done(&format!("UNLOAD {rows}"), &QueryTarget::Print, rows, false).map_err(Failure::from)
    }

    fn unload_files(&mut self, connection: &mut Connection, unload: &Unload) -> Result<u64, Failure> {
        connection.start_query(&unload.statement)?;
        let mut failure = None;
        let mut rows = 0;
        let mut writer = None;
        loop {
            match connection.next_event()? {
                Event::CopyOut => match unload.open() {
                    Ok(file) => writer = Some(file),
                    Err(e) => failure = Some(Box::new(ServerError::client("XX000", e.to_string()))),
                },
                Event::CopyData(data) => {
                    if let Some(file) = &mut writer
                        && let Err(e) = file.write_all(&data)
                    {
                        failure = failure.or(Some(Box::new(ServerError::client("53100", e.to_string()))));
                        writer = None;
                    }
                }
                Event::Complete(tag) => {
                    rows = tag.rsplit(' ').next().and_then(|n| n.parse().ok()).unwrap_or(0);
                }
                Event::Error(error) => failure = failure.or(Some(error)),
                Event::Notice(notice) => self.complain(&notice.report(None, false))?,
                Event::Ready => break,
                _ => {}
            }
        }
        if let Some(file) = writer {
            let finished = file.finish(rows, failure.is_none());
            failure = failure
                .or_else(|| finished.err().map(|e| Box::new(ServerError::client("53100", e.to_string()))));
        }
        failure.map_or(Ok(rows), |error| Err(Failure::Server(error)))
    }
}

fn not_connected() -> Failure {
    let message = "You are currently not connected to a database.";
    Failure::Server(Box::new(ServerError::client("08003", message)))
}
