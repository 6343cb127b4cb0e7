//! What cannot be translated.

/// Why a statement cannot be translated; each names what stands in the way.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DialectError {
    /// PostgreSQL has nothing like it.
    #[error("{0} cannot be translated to PostgreSQL")]
    Unsupported(String),
    /// A function with arguments that it does not take.
    #[error("{function}: {reason}")]
    Arguments {
        /// The function.
        function: String,
        /// What is wrong.
        reason: String,
    },
    /// Redshift refuses it too.
    #[error("{0}")]
    Refused(String),
    /// The statement does not read as it should.
    #[error("syntax error at or near \"{0}\"")]
    Syntax(String),
    /// More levels of parentheses, or of bodies within bodies, than these.
    #[error("nested more than {0} levels deep, which cannot be translated to PostgreSQL")]
    TooDeep(usize),
    /// The columns of a table have to be known, and the catalogue does not know them.
    #[error("{0}: the columns of its table are not known, which the translation to PostgreSQL needs")]
    UnknownColumns(String),
    /// `s3://` without `--s3-root`.
    #[error("{0}: say which directory stands for S3 with --s3-root DIR")]
    NoRoot(String),
}

impl DialectError {
    /// [`DialectError::Unsupported`].
    pub(super) fn unsupported(what: impl Into<String>) -> Self {
        Self::Unsupported(what.into())
    }
}
