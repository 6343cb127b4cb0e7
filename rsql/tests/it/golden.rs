//! What psql prints, we print: standard output and exit status, byte for byte.

use crate::common::{Cluster, feed, rsql, text};

/// A script that both clients run.
struct Case {
    name: String,
    args: Vec<String>,
    script: String,
    stdin: bool,
}

/// Cases of a file: `=== name | arguments`, then the script. Arguments ending in ` <` feed standard input.
fn read(file: &str, content: &str) -> Vec<Case> {
    let mut cases = Vec::new();
    for block in content.split("\n=== ").skip(1) {
        let (head, script) = block.split_once('\n').unwrap_or((block, ""));
        let (name, args) = head.split_once('|').unwrap_or((head, ""));
        let mut args: Vec<String> = args.split_whitespace().map(|a| a.replace('_', " ")).collect();
        let stdin = args.last().is_some_and(|a| a == "<");
        if stdin {
            args.pop();
        }
        cases.push(Case { name: format!("{file}/{}", name.trim()), args, script: script.to_owned(), stdin });
    }
    cases
}

/// Compares all cases and reports every difference at once.
fn compare(cases: &[Case], dialect: &str) {
    let cluster = Cluster::start();
    let mut failures = Vec::new();
    for (number, case) in cases.iter().enumerate() {
        let mut ours = rsql(&cluster);
        ours.args(["--dialect", dialect]);
        let outputs = [cluster.psql(), ours].map(|mut command| {
            command.args(&case.args);
            if case.stdin {
                // Only a script on standard input has RSQL's banner.
                return feed(command.arg("-q"), &case.script);
            }
            if !case.script.trim().is_empty() {
                let file = cluster.path(&format!("case{number}.sql"));
                std::fs::write(&file, &case.script).expect("script");
                command.arg("-f").arg(file);
            }
            feed(&mut command, "")
        });
        let [psql, rsql] = outputs;
        if psql.stdout != rsql.stdout || psql.status.code() != rsql.status.code() {
            failures.push(format!(
                "== {}\n-- psql {:?}\n{}{}-- rsql {:?}\n{}{}",
                case.name,
                psql.status.code(),
                text(&psql.stdout),
                text(&psql.stderr),
                rsql.status.code(),
                text(&rsql.stdout),
                text(&rsql.stderr),
            ));
        }
    }
    assert!(failures.is_empty(), "{} of {} differ\n{}", failures.len(), cases.len(), failures.join("\n"));
}

const DATA: &str = "select * from (values (1, 'plain', 1.5::numeric, null, true), \
    (22, E'two\\nlines', -30.25, E'tab\\there', false), \
    (333, '日本語 wide', 0, '<b>&\"x\"</b>', null), \
    (4, '  lead, and \"quote\"', 1e10::numeric, 'a much longer value that goes on for quite some time', true)) \
    as t(id, name, \"amount\", note, \"Is \"\"it\"\"\");";

#[test]
fn formats() {
    let mut cases = Vec::new();
    for format in ["aligned", "unaligned", "wrapped", "html", "csv"] {
        for border in 0..3 {
            for expanded in ["off", "on"] {
                for tuples in ["off", "on"] {
                    let script = format!(
                        "\\pset format {format}\n\\pset border {border}\n\\pset expanded {expanded}\n\
                         \\pset tuples_only {tuples}\n\\pset null '(null)'\n\\pset columns 60\n\\pset title 'The title'\n\
                         {DATA}\nselect 1 as one where false;\nselect 'x';\n"
                    );
                    let name = format!("{format} border {border} expanded {expanded} tuples {tuples}");
                    cases.push(Case { name, args: Vec::new(), script, stdin: false });
                }
            }
        }
    }
    assert_eq!(cases.len(), 60);
    compare(&cases, "postgres");
}

#[test]
fn line_styles() {
    let mut cases = Vec::new();
    for style in ["ascii", "old-ascii", "unicode"] {
        for border in 0..4 {
            for expanded in ["off", "on", "auto"] {
                for columns in [0, 40, 100] {
                    let format = if columns == 0 { "aligned" } else { "wrapped" };
                    let script = format!(
                        "\\pset format {format}\n\\pset linestyle {style}\n\\pset border {border}\n\
                         \\pset expanded {expanded}\n\\pset columns {columns}\n{DATA}\n\
                         select 1 as \"two\nlines\", 2 as b;\nselect repeat('word ', 30) as w, E'a\\nb' as nl;\n"
                    );
                    let name = format!("{style} border {border} expanded {expanded} columns {columns}");
                    cases.push(Case { name, args: Vec::new(), script, stdin: false });
                }
            }
        }
    }
    compare(&cases, "postgres");
}

#[test]
fn scripts() {
    let mut cases = Vec::new();
    for (file, content) in [
        ("quoting", include_str!("../golden/quoting.txt")),
        ("variables", include_str!("../golden/variables.txt")),
        ("flow", include_str!("../golden/flow.txt")),
        ("commands", include_str!("../golden/commands.txt")),
        ("options", include_str!("../golden/options.txt")),
        ("catalogue", include_str!("../golden/catalogue.txt")),
    ] {
        cases.extend(read(file, &format!("\n{content}")));
    }
    assert!(cases.len() >= 100, "only {} cases", cases.len());
    compare(&cases, "postgres");
    // Where SQL means the same to both, the dialect changes nothing that is seen.
    cases.retain(|case| !DIFFERENT.contains(&case.name.as_str()));
    compare(&cases, "redshift");
}

/// Cases whose SQL means something else in Redshift, or that show what the dialect keeps in the database.
const DIFFERENT: [&str; 7] = [
    // A backslash escapes in every string.
    "quoting/escaped colon",
    "commands/csv specials",
    // Names in quotes are folded.
    "variables/identifier",
    // The schema of the dialect, and its constraints on the bytes of text.
    "catalogue/schemas",
    "catalogue/a table",
    "catalogue/a table and more",
    "catalogue/a table that refers",
];

/// Every case that is left out is one.
#[test]
fn different_cases_exist() {
    let content = concat!(
        include_str!("../golden/quoting.txt"),
        include_str!("../golden/variables.txt"),
        include_str!("../golden/commands.txt"),
        include_str!("../golden/catalogue.txt")
    );
    for name in DIFFERENT {
        let (_, name) = name.split_once('/').expect("a file and a name");
        assert!(content.contains(&format!("=== {name}")), "{name}");
    }
}
