//! Reads the jobs from a workflow file with its scripts, or from a directory of scripts.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};

use rsqlflow_core::config::{ExecutionType, Work, Workflow};
use rsqlflow_lineage::{JobAccess, Options, of_source, procedures};

/// The largest script that is read, in bytes. A larger file is data.
const LARGEST: u64 = 4 * 1024 * 1024;

/// Options for reading the scripts.
#[derive(Debug, Default)]
pub(crate) struct Source {
    /// The schema of table names without a schema.
    pub(crate) default_schema: Option<String>,
    /// Variables of RSQL and of the shell.
    pub(crate) variables: BTreeMap<String, String>,
}

/// The jobs. Jobs of a workflow have a stage.
#[derive(Debug)]
pub(crate) struct Jobs {
    pub(crate) accesses: Vec<JobAccess>,
    stages: Vec<Option<(usize, ExecutionType)>>,
}

/// A job before its text is read.
struct Unread {
    name: String,
    path: PathBuf,
    /// Its text, if it is not in a file.
    text: Option<String>,
    stage: Option<(usize, ExecutionType)>,
    args: Vec<String>,
    env: BTreeMap<String, String>,
}

impl Jobs {
    /// Every `.sql`, `.rsql` and `.sh` file in a directory, by path.
    ///
    /// # Errors
    /// A directory or file that cannot be read.
    pub(crate) fn of_directory(root: &Path, source: &Source) -> io::Result<Self> {
        let mut files = Vec::new();
        scripts_below(root, &mut files)?;
        files.sort();
        let unread = files.into_iter().map(|path| Unread {
            name: path.strip_prefix(root).unwrap_or(&path).display().to_string(),
            path,
            text: None,
            stage: None,
            args: Vec::new(),
            env: BTreeMap::new(),
        });
        Self::read(root, unread.collect(), source)
    }

    /// The jobs of a workflow whose scripts are in `scripts`.
    ///
    /// # Errors
    /// A script that cannot be read.
    pub(crate) fn of_workflow(workflow: &Workflow, scripts: &Path, source: &Source) -> io::Result<Self> {
        let unread = workflow.workflow_stages.iter().enumerate().flat_map(|(number, stage)| {
            stage.scripts.iter().map(move |job| {
                let mut unread = Unread {
                    name: job.name().to_owned(),
                    path: PathBuf::new(),
                    text: None,
                    stage: Some((number, stage.execution_type)),
                    args: Vec::new(),
                    env: BTreeMap::new(),
                };
                match &job.work {
                    Work::Script(script) => {
                        unread.path = scripts.join(&script.script);
                        unread.args.clone_from(&script.args);
                        unread.env = script
                            .env
                            .iter()
                            .map(|(name, value)| (name.to_owned(), value.to_owned()))
                            .collect();
                    }
                    Work::Sql(sql) => match sql.sql.texts() {
                        Ok(texts) => {
                            // What a message shows as its file.
                            unread.path = scripts.join(format!("{}.sql", job.name()));
                            unread.text = Some(texts.join("\n;\n"));
                        }
                        Err(file) => unread.path = scripts.join(file),
                    },
                    Work::Copy { .. } | Work::Unload { .. } => {
                        unread.path = scripts.join(format!("{}.sql", job.name()));
                        unread.text = Some(job.work.compiled().join("\n;\n"));
                    }
                }
                unread
            })
        });
        Self::read(scripts, unread.collect(), source)
    }

    fn read(root: &Path, unread: Vec<Unread>, source: &Source) -> io::Result<Self> {
        let mut texts = Vec::with_capacity(unread.len());
        for job in &unread {
            let text = match &job.text {
                Some(text) => text.clone(),
                None => String::from_utf8_lossy(&std::fs::read(&job.path).map_err(|error| {
                    io::Error::new(error.kind(), format!("{}: {error}", job.path.display()))
                })?)
                .into_owned(),
            };
            texts.push(text);
        }
        let mut known = BTreeMap::new();
        for (job, text) in unread.iter().zip(&texts) {
            known.extend(procedures(&job.name, text, &Options::default()));
        }
        let mut jobs = Self { accesses: Vec::new(), stages: Vec::new() };
        let mut paths = Vec::new();
        let included = RefCell::new(BTreeSet::new());
        for (job, text) in unread.into_iter().zip(texts) {
            let beside = job.path.parent().unwrap_or(root).to_owned();
            let include = |path: &str| {
                let found =
                    [beside.join(path), root.join(path)].into_iter().find(|path| is_script_file(path))?;
                let text = std::fs::read_to_string(&found).ok()?;
                included.borrow_mut().insert(found.canonicalize().unwrap_or(found));
                Some(text)
            };
            let mut variables = source.variables.clone();
            variables.extend(job.env);
            let options = Options {
                default_schema: source.default_schema.clone(),
                variables,
                arguments: job.args,
                procedures: known.clone(),
                include: Some(&include),
                ..Options::default()
            };
            let file = job.path.strip_prefix(root).unwrap_or(&job.path).display().to_string();
            let lineage = of_source(&file, &text, &options);
            jobs.accesses.push(JobAccess { name: job.name, lineage, ..JobAccess::default() });
            jobs.stages.push(job.stage);
            paths.push(job.path.canonicalize().unwrap_or(job.path));
        }
        // In a directory, a file that another file includes is a part of that file.
        let included = included.into_inner();
        let part = |at: usize| {
            jobs.stages.get(at).is_some_and(Option::is_none)
                && paths.get(at).is_some_and(|path| included.contains(path))
        };
        let kept: Vec<usize> = (0..jobs.accesses.len()).filter(|at| !part(*at)).collect();
        let (accesses, stages) = (jobs.accesses, jobs.stages);
        Ok(Self {
            accesses: kept.iter().filter_map(|at| accesses.get(*at).cloned()).collect(),
            stages: kept.iter().filter_map(|at| stages.get(*at).copied()).collect(),
        })
    }

    /// The name of a job.
    pub(crate) fn name(&self, at: usize) -> &str {
        self.accesses.get(at).map_or("", |job| job.name.as_str())
    }

    /// The stage of a job, from 0.
    pub(super) fn stage(&self, at: usize) -> Option<usize> {
        self.stages.get(at).copied().flatten().map(|(stage, _)| stage)
    }

    /// Whether the jobs of its stage run one after the other.
    pub(super) fn in_turn(&self, at: usize) -> bool {
        matches!(self.stages.get(at), Some(Some((_, ExecutionType::Sequential))))
    }
}

fn is_script_file(path: &Path) -> bool {
    path.metadata().is_ok_and(|found| found.is_file() && found.len() <= LARGEST)
}

fn scripts_below(directory: &Path, found: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in std::fs::read_dir(directory)? {
        let entry = entry?;
        let (path, kind) = (entry.path(), entry.file_type()?);
        let hidden = entry.file_name().to_string_lossy().starts_with('.');
        if kind.is_dir() && !hidden {
            scripts_below(&path, found)?;
        } else if kind.is_file()
            && path.extension().is_some_and(|end| matches!(end.to_str(), Some("sql" | "rsql" | "sh")))
            && is_script_file(&path)
        {
            found.push(path);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::{Format, JobOrder, render};

    fn directory(files: &[(&str, &str)]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        for (name, text) in files {
            std::fs::write(dir.path().join(name), text).unwrap();
        }
        dir
    }

    #[test]
    fn the_order_of_a_directory_is_read_and_an_included_file_is_no_job() {
        let dir = directory(&[
            ("a.sql", "create table s.a as select 1;"),
            ("b.sh", "rsql -f part.rsql"),
            ("part.rsql", "insert into s.b select * from s.a;"),
        ]);
        let order = JobOrder::of(Jobs::of_directory(dir.path(), &Source::default()).unwrap()).unwrap();
        let text = render(&order, Format::Text, false, true);
        assert!(
            text.starts_with("jobs: 2, dependencies: 1, levels: 2\n  level 0: a.sql\n  level 1: b.sh\n"),
            "{text}"
        );
        assert!(
            text.contains("b.sh waits for a.sql\n  s.a is written at a.sql:1 and read at part.rsql:1"),
            "{text}"
        );
        assert!(order.problems.is_empty());
    }

    #[test]
    fn two_writers_and_cycles_are_problems() {
        let dir = directory(&[("a.sql", "delete from s.x;"), ("b.sql", "truncate s.x;")]);
        // Without stages there is no order between them.
        let order = JobOrder::of(Jobs::of_directory(dir.path(), &Source::default()).unwrap()).unwrap();
        assert!(order.problems.iter().any(|problem| problem.message.contains("s.x")), "{:?}", order.problems);
        let dir = directory(&[
            ("a.sql", "insert into s.x select * from s.y;"),
            ("b.sql", "insert into s.y select * from s.x;"),
        ]);
        let cycle = JobOrder::of(Jobs::of_directory(dir.path(), &Source::default()).unwrap()).unwrap_err();
        assert_eq!(cycle.0, ["a.sql", "b.sql"]);
    }

    #[test]
    fn stages_that_contradict_the_sql_are_problems() {
        let dir =
            directory(&[("make.sql", "insert into s.x values (1);"), ("use.sql", "select * from s.x;")]);
        let workflow = serde_json::json!({
            "workflow_id": "w",
            "workflow_stages": [{ "execution_type": "parallel", "scripts": ["make.sql", "use.sql"] }],
        });
        let workflow = Workflow::from_json(&workflow, &rsqlflow_core::timing::Timing::default()).unwrap();
        let jobs = Jobs::of_workflow(&workflow, dir.path(), &Source::default()).unwrap();
        let order = JobOrder::of(jobs).unwrap();
        let messages: Vec<&str> = order.problems.iter().map(|problem| problem.message.as_str()).collect();
        assert!(
            matches!(messages[..], [one] if one.starts_with("use.sql depends on make.sql, but runs at the same time")),
            "{messages:?}"
        );
    }
}
