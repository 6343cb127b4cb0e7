//! Properties of all inputs.

use proptest::prelude::*;
use rsqlflow_lineage::{Options, of_source};

/// Statements over tables `t0` to `t4`.
fn statements() -> impl Strategy<Value = String> {
    let table = || (0..5u8).prop_map(|n| format!("t{n}"));
    let one = (table(), table(), table(), 0..10u8).prop_map(|(a, b, c, kind)| match kind {
        0 => format!("insert into {a} select * from {b} join {c} on true;"),
        1 => format!("create table {a} as with q as (select 1 from {b}) select 1 from q, {c};"),
        2 => format!("update {a} set x = 1 from {b} where exists (select 1 from {c});"),
        3 => format!("delete from {a} using {b};"),
        4 => format!("unload ('select 1 from {a}') to 's3://b/{b}';"),
        5 => format!("merge into {a} using (select * from {b}) q on true when matched then delete;"),
        6 => format!("alter table {a} append from {b};"),
        7 => format!("create temp table tmp_{a} as select 1 from {b}; select 1 from tmp_{a}, {c};"),
        8 => format!("copy {a} from 's3://b/{b}' csv;"),
        _ => format!("select * from {a} x, x.items, ({b} left join {c} on true);"),
    });
    proptest::collection::vec(one, 1..6).prop_map(|all| all.join("\n"))
}

fn options() -> Options<'static> {
    Options { default_schema: Some("s".to_owned()), ..Options::default() }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn no_input_panics(text in "\\PC*|[a-e0-9 '\"$/*#:;.,(){}\\\\\\n<-]*") {
        for name in ["j.sql", "j.sh"] {
            let _ = of_source(name, &text, &options());
        }
    }

    #[test]
    fn no_sequence_of_words_panics(
        words in proptest::collection::vec(
            prop::sample::select(vec![
                "select", "from", "(", ")", ",", "with", "recursive", "as", "insert", "into", "temp", "update", "set",
                "delete", "using", "merge", "create", "table", "view", "like", "unload", "'x'", "'select 1 from a'", "to",
                "copy", "a", "b.c", ".", ";", "call", "procedure", "$$", "begin", "end", "execute", "if", "then", "loop",
                "for", "in", "join", "on", "union", "alter", "append", "rename", "drop", "search_path", "=", "[", "]",
                "at", "unpivot", "rsql", "<<", "EOF", "\n", "\\set", "\\if", "\\i", "declare", "prepare", "refresh",
            ]),
            0..60,
        )
    ) {
        let text = words.join(" ");
        for name in ["j.sql", "j.sh"] {
            let _ = of_source(name, &text, &options());
        }
    }

    /// Renaming every table renames what is found, and changes nothing else.
    #[test]
    fn a_rename_of_all_tables_renames_the_result(sql in statements()) {
        let mut other = sql.clone();
        for n in 0..5 {
            other = other.replace(&format!("t{n}"), &format!("z{n}"));
        }
        let rename = |names: Vec<&str>| -> Vec<String> {
            names.into_iter().map(|name| name.replace("s.t", "s.z")).collect()
        };
        let before = of_source("j.sql", &sql, &options());
        let after = of_source("j.sql", &other, &options());
        prop_assert_eq!(rename(before.read_names()), after.read_names());
        prop_assert_eq!(rename(before.written_names()), after.written_names());
        prop_assert_eq!(before.warnings.len(), after.warnings.len());
    }

    /// Comments and blanks between statements change nothing.
    #[test]
    fn comments_change_nothing(sql in statements()) {
        let commented = sql.replace(' ', " /* from x.y */ ").replace('\n', "\n-- join z\n");
        let before = of_source("j.sql", &sql, &options());
        let after = of_source("j.sql", &commented, &options());
        // Text in quotes has got the comments too, and they are comments there.
        prop_assert_eq!(before.read_names(), after.read_names());
        prop_assert_eq!(before.written_names(), after.written_names());
    }
}
