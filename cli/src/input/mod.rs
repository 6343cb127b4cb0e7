//! What comes from outside: [`file`] reads workflow files, [`confirm`] asks the operator, [`signals`] hears requests to
//! end.

pub(crate) mod confirm;
pub(crate) mod file;
pub(crate) mod signals;
