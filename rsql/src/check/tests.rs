//! Planted mistakes.

use super::{Rule, check};

fn found(text: &str) -> Vec<(Rule, usize)> {
    check("x.sql", text).into_iter().map(|f| (f.rule, f.line)).collect()
}

#[test]
fn a_good_script_is_clean() {
    let text = "select count(*) as cnt, current_date \"Day\" from t \\gset\n\\if :cnt > 100\n\\exit 1\n\\endif\n\
        insert into t values (1);\n\\if :ERROR <> 0\n \\remark :LAST_ERROR_MESSAGE :Day\n \\goto FAIL\n\\else\n\\echo ok\n\\endif\n\
        \\set x 1\nselect :x, :'x', a[1:2], '12:30'::time;\n\\exit 0\n\\label FAIL\n\\exit 8\n";
    assert_eq!(found(text), []);
}

#[test]
fn ten_planted_mistakes() {
    let text = "\
\\if :ERROR <> 0
  \\echo failed
\\endif
\\bogus
select :nothing;
\\goto NOWHERE
select 'unreachable';
\\label A
\\goto A
\\label A
\\exit 194
\\label B
\\endif
\\else
\\if true
select 'open;
";
    let found = found(text);
    for expected in [
        (Rule::ErrorWithoutExit, 1),
        (Rule::UnknownCommand, 4),
        (Rule::UnsetVariable, 5),
        (Rule::UnknownLabel, 6),
        (Rule::Unreachable, 7),
        (Rule::DuplicateLabel, 10),
        (Rule::ExitStatus, 11),
        (Rule::UnbalancedIf, 13),
        (Rule::UnbalancedIf, 14),
        (Rule::UnbalancedIf, 15),
        (Rule::OpenQuote, 16),
    ] {
        assert!(found.contains(&expected), "{expected:?} in {found:?}");
    }
}

#[test]
fn backward_jumps_and_crlf() {
    assert_eq!(found("\\label A\nselect 1;\n\\goto A\n"), [(Rule::UnknownLabel, 3)]);
    assert_eq!(found("select 1;\r\nselect 2;\r\n"), [], "rsql takes the CR for a blank");
    let shell: Vec<_> =
        check("x.sh", "rsql << EOF\r\nselect 1;\r\nEOF\r\n").into_iter().map(|f| f.rule).collect();
    assert_eq!(shell, [Rule::CrLf]);
}

#[test]
fn latin_1_is_told_where_rsql_would_stop() {
    let found = |name: &str, bytes: &[u8]| -> Vec<_> {
        super::run::check_bytes(name, bytes, &super::Options::default())
            .into_iter()
            .map(|f| (f.rule, f.line, f.column))
            .collect()
    };
    assert_eq!(found("a.sql", b"select 1;\nselect 'M\xfcller';\n"), [(Rule::Encoding, 2, 10)]);
    assert_eq!(found("a.sql", "select 'Müller';\n".as_bytes()), []);
    let shell = b"#!/bin/bash\n# M\xfcller\nrsql <<EOF\nselect 1;\nEOF\n";
    assert_eq!(found("a.sh", shell), [], "a shell's comment is the shell's affair");
}

#[test]
fn rows_of_a_copy_are_no_commands() {
    assert_eq!(found("-- rsql-check: allow postgres-only\ncopy t from stdin;\n1\t\\N\n\\.\nselect 1;\n"), []);
}

#[test]
fn what_is_nested_too_deeply_has_a_line() {
    let nested =
        |levels: usize| format!("select 1;\nselect\n{}1{};\n", "(".repeat(levels), ")".repeat(levels));
    assert_eq!(found(&nested(1000)), []);
    assert_eq!(found(&nested(1001)), [(Rule::TooDeep, 3)]);
    assert_eq!(found(&nested(20_000)), [(Rule::TooDeep, 3)]);
    assert_eq!(found(&"select (1);\n".repeat(2000)), []);
}

#[test]
fn shell_scripts() {
    let text = "#!/bin/bash\nrsql -h $HOST -v A=1 << EOF\nselect :A;\nselect :B;\n\\if true\nEOF\nexit $?\n";
    let found: Vec<_> = check("x.sh", text).into_iter().map(|f| (f.rule, f.line)).collect();
    assert_eq!(found, [(Rule::UnsetVariable, 4), (Rule::UnbalancedIf, 5)]);
}

proptest::proptest! {
    #[test]
    fn nothing_panics(text in "\\PC*|[a-z0-9 :'\"$/*#;.,()\\\\\\n-]*") {
        let _ = check("x.sql", &text);
        let _ = check("x.sh", &format!("rsql << EOF\n{text}\nEOF\n"));
        let _ = crate::flow::mermaid("x.sql", &text);
    }
}
