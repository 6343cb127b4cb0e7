//! What a job has done so far: its search path, temporary tables, procedures, and the tables it touched.

use std::collections::{BTreeMap, BTreeSet};

use crate::name::{AMBIGUOUS, Name, SearchPath, UNSET, marked};
use crate::options::Options;
use crate::result::{Access, AccessKind, Lineage, Location, Place, Warning, WarningKind};

/// How deeply parentheses, procedures and includes may be nested. The walk is recursive.
pub(crate) const DEEPEST: usize = 100;

/// A name that a statement touches, before it is known which table it is.
#[derive(Debug)]
pub(crate) struct Touch {
    pub(crate) name: Name,
    pub(crate) line: usize,
    pub(crate) kind: AccessKind,
    /// `DROP`: of a table that the job creates as a temporary one, it is not a write.
    pub(crate) drop: bool,
}

/// The body of a procedure.
#[derive(Debug, Clone)]
pub(crate) struct Routine {
    pub(crate) body: String,
    pub(crate) file: String,
    pub(crate) line: usize,
}

/// The state of a job while its text is read.
pub(crate) struct Session<'o> {
    pub(crate) options: &'o Options<'o>,
    pub(crate) file: String,
    pub(crate) path: SearchPath,
    pub(crate) routines: BTreeMap<String, Routine>,
    pub(crate) prepared: BTreeSet<String>,
    /// Procedures that are being read.
    pub(crate) calls: Vec<String>,
    pub(crate) depth: usize,
    found: Lineage,
    /// Temporary tables that exist now.
    temporary: BTreeSet<String>,
    /// Unqualified names that were a temporary table at some time.
    was_temporary: BTreeSet<String>,
    written: BTreeSet<String>,
    /// Unqualified drops, with the table that they resolved to: they may turn out to be of a temporary table.
    drops: Vec<(String, String)>,
}

impl<'o> Session<'o> {
    pub(crate) fn new(file: &str, options: &'o Options<'o>) -> Self {
        let routines = options.procedures.iter().map(|(name, body)| {
            (name.to_lowercase(), Routine { body: body.clone(), file: name.clone(), line: 1 })
        });
        Self {
            options,
            file: file.to_owned(),
            path: SearchPath::of(options.default_schema.clone()),
            routines: routines.collect(),
            prepared: BTreeSet::new(),
            calls: Vec::new(),
            depth: 0,
            found: Lineage::default(),
            temporary: BTreeSet::new(),
            was_temporary: BTreeSet::new(),
            written: BTreeSet::new(),
            drops: Vec::new(),
        }
    }

    pub(crate) fn place(&self, line: usize) -> Place {
        Place { file: self.file.clone(), line }
    }

    pub(crate) fn warn(&mut self, kind: WarningKind, line: usize) {
        let warning = Warning { kind, at: self.place(line) };
        if !self.found.warnings.contains(&warning) {
            self.found.warnings.push(warning);
        }
    }

    pub(crate) fn import(&mut self, uri: String, line: usize) {
        let at = self.place(line);
        self.found.imports.push(Location { uri, at });
    }

    pub(crate) fn export(&mut self, uri: String, line: usize) {
        let at = self.place(line);
        self.found.exports.push(Location { uri, at });
    }

    /// Forgets what belongs to a connection.
    pub(crate) fn reconnect(&mut self) {
        self.path = SearchPath::of(self.options.default_schema.clone());
        self.temporary.clear();
        self.prepared.clear();
    }

    pub(crate) fn create_temporary(&mut self, name: &Name) {
        self.temporary.insert(name.last().to_owned());
        self.was_temporary.insert(name.last().to_owned());
    }

    /// Whether the name is a temporary table now.
    pub(crate) fn is_temporary(&self, name: &Name) -> bool {
        name.last().starts_with('#')
            || (!name.is_qualified() && self.temporary.contains(name.last()))
            || name.parts.first().is_some_and(|schema| name.is_qualified() && schema.starts_with("pg_temp"))
    }

    /// Records what a statement touches: what it reads first, so that a table that only this statement writes counts
    /// as read.
    pub(crate) fn touch(&mut self, mut touches: Vec<Touch>) {
        touches.sort_by_key(|touch| touch.kind != AccessKind::Read);
        for touch in touches {
            if self.is_temporary(&touch.name) {
                if touch.drop {
                    self.temporary.remove(touch.name.last());
                }
                continue;
            }
            if touch.name.is_system() {
                continue;
            }
            if let Some(table) = self.resolve(&touch.name, touch.kind, touch.line) {
                if touch.drop && !touch.name.is_qualified() {
                    self.drops.push((touch.name.last().to_owned(), table.clone()));
                }
                self.record(table, touch.kind, touch.line);
            }
        }
    }

    fn record(&mut self, table: String, kind: AccessKind, line: usize) {
        let at = self.place(line);
        let list = if kind == AccessKind::Read {
            if self.written.contains(&table) {
                return;
            }
            if let Some(behind) = self.options.views.get(&table) {
                for table in behind.clone() {
                    // A view that names itself would never end.
                    if !self.options.views.contains_key(&table) {
                        self.record(table.to_lowercase(), AccessKind::Read, line);
                    }
                }
            }
            &mut self.found.reads
        } else {
            self.written.insert(table.clone());
            &mut self.found.writes
        };
        match list.iter_mut().find(|access| access.table == table) {
            // A table that is created empty and then filled is written.
            Some(known) if known.kind < kind => *known = Access { table, kind, at },
            Some(_) => {}
            None => list.push(Access { table, kind, at }),
        }
    }

    /// The table that a name means, or a warning.
    fn resolve(&mut self, name: &Name, kind: AccessKind, line: usize) -> Option<String> {
        let joined = name.joined();
        if let Some(variable) = marked(UNSET, &joined) {
            self.warn(WarningKind::UnsetVariable(variable.to_owned()), line);
            return None;
        }
        if let Some(variable) = marked(AMBIGUOUS, &joined) {
            self.warn(WarningKind::AmbiguousVariable(variable.to_owned()), line);
            return None;
        }
        if name.is_qualified() {
            return Some(joined);
        }
        let (schema, several) = match &self.path {
            SearchPath::Unknown => (None, false),
            SearchPath::Schemas(schemas) => (schemas.first().cloned(), schemas.len() > 1),
        };
        let Some(schema) = schema else {
            self.warn(WarningKind::UnqualifiedName(joined), line);
            return None;
        };
        let in_first = format!("{schema}.{joined}");
        // A table is created in the first schema. Any other use finds it in the first schema that has it.
        if !several || kind == AccessKind::Create || self.written.contains(&in_first) {
            return Some(in_first);
        }
        self.warn(WarningKind::AmbiguousName(joined), line);
        None
    }

    pub(crate) fn finish(mut self) -> Lineage {
        // `DROP TABLE IF EXISTS t` before `CREATE TEMP TABLE t` is not about a permanent table.
        for (name, table) in std::mem::take(&mut self.drops) {
            if self.was_temporary.contains(&name) {
                self.found.writes.retain(|access| access.table != table);
            }
        }
        let was_temporary = self.was_temporary;
        self.found.warnings.retain(|warning| match &warning.kind {
            WarningKind::UnqualifiedName(name) | WarningKind::AmbiguousName(name) => {
                !was_temporary.contains(name)
            }
            _ => true,
        });
        self.found
    }
}
