//! What comes from outside: [`file`] reads workflow files, [`sql_files`] the SQL that they name, [`confirm`] asks the operator, [`signals`] hears requests to
//! end.

pub(crate) mod confirm;
pub(crate) mod file;
pub(crate) mod signals;
mod sql_files;
