//! The operator's command, on a world.

use std::process::{Child, Output, Stdio};

use serde_json::Value;

use crate::{World, command};

/// What a command said, and how it ended.
#[derive(Debug)]
pub struct Said {
    /// Exit code.
    pub code: Option<i32>,
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub err: String,
}

impl Said {
    /// Standard output as a document.
    ///
    /// # Panics
    /// Where it is none.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|e| panic!("{e}: {self:?}"))
    }

    /// The same, of a command that must have ended with this code.
    ///
    /// # Panics
    /// Where it ended with another.
    #[must_use]
    pub fn ends(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{self:?}");
        self
    }

    /// The same, of a command that must have said this.
    ///
    /// # Panics
    /// Where it did not.
    #[must_use]
    pub fn says(self, part: &str) -> Self {
        assert!(self.out.contains(part) || self.err.contains(part), "{part:?} is missing in {self:?}");
        self
    }
}

impl From<Output> for Said {
    fn from(output: Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Self { code: output.status.code(), out: text(&output.stdout), err: text(&output.stderr) }
    }
}

impl World {
    /// `rsqlflow` with these arguments, on this world's endpoint, where nobody can be asked.
    #[must_use]
    pub fn rsqlflow(&self, args: &[&str]) -> std::process::Command {
        let mut command = command("rsqlflow");
        command
            .env("RSQLFLOW_STATE_DIR", self.state_dir())
            .env("USER", "ada")
            .current_dir(self.scripts())
            .args(args)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// Runs it to its end. The endpoint is a process of its own, so nothing is held up.
    ///
    /// # Panics
    /// Where it cannot be started.
    #[must_use]
    pub fn operator(&self, args: &[&str]) -> Said {
        self.rsqlflow(args).output().expect("rsqlflow runs").into()
    }

    /// Starts it.
    ///
    /// # Panics
    /// Where it cannot be started.
    #[must_use]
    pub fn operator_in_background(&self, args: &[&str]) -> Child {
        self.rsqlflow(args).spawn().expect("rsqlflow runs")
    }
}
