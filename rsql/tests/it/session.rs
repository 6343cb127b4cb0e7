//! Logging in, signals, big results, options: what has no counterpart to compare with.

use std::process::Stdio;
use std::time::{Duration, Instant};

use crate::common::{Cluster, feed, rsql, text};

#[test]
fn logging_in() {
    let access = "local all all trust\n\
        hostssl all tls_only 127.0.0.1/32 trust\n\
        host all scram 127.0.0.1/32 scram-sha-256\n\
        host all md5 127.0.0.1/32 md5\n\
        host all clear 127.0.0.1/32 password\n\
        host all postgres 127.0.0.1/32 trust\n";
    // The certificate is made before the server starts; without openssl's it could not start.
    let cluster = Cluster::start_with(
        "ssl = on\nssl_cert_file = 'DIR/server.crt'\nssl_key_file = 'DIR/server.key'",
        access,
    );
    let setup = "create role scram login password 'sec ret'; set password_encryption = 'md5'; \
        create role md5 login password 'sec ret'; create role clear login password 'sec ret'; create role tls_only login;";
    let made = feed(cluster.psql().args(["-c", setup]), "");
    assert!(made.status.success(), "{}", text(&made.stderr));

    for user in ["scram", "md5", "clear"] {
        let login = |password: Option<&str>| {
            let mut command = rsql(&cluster);
            command.args(["-w", "-U", user, "-tAc", "select current_user"]);
            password.map(|p| command.env("RSPASSWORD", p));
            feed(&mut command, "")
        };
        let good = login(Some("sec ret"));
        assert_eq!(text(&good.stdout), format!("{user}\n"), "{}", text(&good.stderr));
        let bad = login(Some("wrong"));
        assert_eq!(bad.status.code(), Some(2));
        assert!(text(&bad.stderr).contains("password authentication failed"), "{}", text(&bad.stderr));
        assert!(!text(&bad.stderr).contains("wrong"));
        let none = login(None);
        assert_eq!(none.status.code(), Some(2));
        assert!(text(&none.stderr).contains("RSPASSWORD"), "{}", text(&none.stderr));
    }

    let tls =
        |args: &[&str]| feed(rsql(&cluster).args(["-U", "tls_only", "-tAc", "select 1"]).args(args), "");
    let root = cluster.path("server.crt").display().to_string();
    let root = format!("--sslrootcert={root}");
    assert_eq!(text(&tls(&["--sslmode=prefer"]).stdout), "1\n");
    assert_eq!(text(&tls(&["--sslmode=require"]).stdout), "1\n");
    let verified = tls(&["--sslmode=verify-full", "-h", "localhost", &root]);
    assert_eq!(text(&verified.stdout), "1\n", "{}", text(&verified.stderr));
    let other_name = tls(&["--sslmode=verify-ca", &root]);
    assert_eq!(text(&other_name.stdout), "1\n", "{}", text(&other_name.stderr));
    assert_eq!(tls(&["--sslmode=verify-full", &root]).status.code(), Some(2), "the name does not match");
    assert_eq!(tls(&["--sslmode=verify-ca"]).status.code(), Some(2), "the root is not trusted");
    assert_eq!(tls(&["--sslmode=disable"]).status.code(), Some(2));

    let ini = cluster.path("odbc.ini");
    let entry = format!(
        "[Blog]\nDriver=Default\nSSLMode=prefer\nHost=127.0.0.1\nPort={}\nDatabase=postgres\nUID=scram\nPWD=sec ret\n",
        cluster.port
    );
    std::fs::write(&ini, entry).expect("odbc.ini");
    let dsn = |args: &[&str]| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_rsql"));
        feed(command.env("ODBCINI", &ini).env_remove("RSPASSWORD").args(args), "select current_user;\n")
    };
    let good = dsn(&["-D", "Blog", "-tA"]);
    assert!(
        text(&good.stdout).starts_with("DSN Connected\n"),
        "{}{}",
        text(&good.stdout),
        text(&good.stderr)
    );
    assert!(text(&good.stdout).ends_with("\nscram\n"));
    let missing = dsn(&["-D", "Nope"]);
    assert_eq!(missing.status.code(), Some(2));
    assert!(text(&missing.stderr).contains("odbc.ini"), "{}", text(&missing.stderr));

    let refused = feed(rsql(&cluster).args(["-p", "1", "-c", "select 1"]), "");
    assert_eq!(refused.status.code(), Some(2));
    assert!(text(&refused.stderr).contains("hint:"), "{}", text(&refused.stderr));
}

#[test]
fn a_signal_cancels_the_statement() {
    let cluster = Cluster::start();
    let mut child = rsql(&cluster)
        .args(["-q", "-c", "select pg_sleep(600) as marked_statement"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("starts");
    let running = |wanted: &str| {
        let deadline = Instant::now() + Duration::from_secs(20);
        let question =
            "select count(*) from pg_stat_activity where query like '%marked_statement' and state = 'active'";
        while Instant::now() < deadline {
            if text(&feed(cluster.psql().args(["-tAc", question]), "").stdout).trim() == wanted {
                return true;
            }
        }
        false
    };
    assert!(running("1"), "the statement runs");
    // Twice, as it happens to what is in a process group and also left of it.
    let pid = child.id().to_string();
    let killed = std::process::Command::new("sh").args(["-c", "kill -TERM $0; kill -TERM $0", &pid]).status();
    assert!(killed.expect("kill").success());
    assert_eq!(child.wait().expect("ends").code(), Some(128 + 15));
    assert!(running("0"), "the server has stopped it");
}

#[test]
fn big_results_take_constant_memory() {
    let cluster = Cluster::start();
    let big = "select i, repeat('x', 150) as filler from generate_series(1, 300000) i";
    for format in ["-A", "--csv", "-P format=aligned"] {
        let mut child = rsql(&cluster)
            .args(format.split(' '))
            .args(["-q", "-o", "/dev/null", "-c", &format!("{big}; select pg_sleep(0.5)")])
            .stdin(Stdio::null())
            .spawn()
            .expect("starts");
        let mut most = 0;
        while child.try_wait().expect("a status").is_none() {
            let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
            let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:"));
            let kilobytes = line.and_then(|l| l.trim().strip_suffix(" kB")?.parse::<u64>().ok()).unwrap_or(0);
            most = most.max(kilobytes);
            // Spares the processor; the mark only ever rises, and the last statement waits for us.
            std::thread::sleep(Duration::from_millis(20));
        }
        // 47 megabytes of rows; the debug build is larger than the one that ships.
        assert!(most > 0 && most < 40_000, "{format}: {most} kB");
    }
}

#[test]
fn errors_and_options() {
    let cluster = Cluster::start();
    let failed = feed(&mut rsql(&cluster), "\n\nselect *\nfrom nope;\n");
    assert_eq!(
        text(&failed.stderr),
        "rsql: ERROR: relation \"nope\" does not exist\nLINE 2: from nope;\n             ^\n  SQLSTATE 42P01 at <stdin>:3\n"
    );
    let behind_comments = feed(
        rsql(&cluster).args(["-q", "-tA"]),
        "-- one\n\n/* two\n*/ select 1;\n\n-- six\n\nselect\n1/0;\n",
    );
    assert_eq!(
        text(&behind_comments.stderr),
        "rsql: ERROR: division by zero\n  SQLSTATE 22012 at <stdin>:8\n"
    );
    let unknown = feed(rsql(&cluster).arg("--bogus"), "");
    assert_eq!(unknown.status.code(), Some(1));
    assert!(text(&unknown.stderr).contains("--bogus"));
    let help = feed(rsql(&cluster).arg("--help"), "");
    assert!(text(&help.stdout).contains("--dsn"));

    let open_if = feed(rsql(&cluster).arg("-q"), "\\if true\nselect 1;\n");
    assert_eq!(open_if.status.code(), Some(3));
    assert!(text(&open_if.stderr).contains("opened at line 1"), "{}", text(&open_if.stderr));
    let no_label = feed(rsql(&cluster).arg("-q"), "\\echo a\n\\goto NOWHERE\nselect 1;\n");
    assert_eq!(no_label.status.code(), Some(3));
    assert!(text(&no_label.stderr).contains("\\goto at line 2"), "{}", text(&no_label.stderr));

    let dry = feed(
        std::process::Command::new(env!("CARGO_BIN_EXE_rsql")).args(["--dry-run", "-q", "-vT=t"]),
        "create table :T (a int encode zstd);\n\\if :ERROR <> 0\n\\exit 3\n\\endif\nset query_group to 'x';\n",
    );
    assert_eq!(dry.status.code(), Some(0), "{}", text(&dry.stderr));
    assert_eq!(text(&dry.stdout), "create table t (a int) ;\nSET redshift.query_group TO 'x';\n");

    let head = feed(
        rsql(&cluster).args(["-q", "-tA"]),
        "select generate_series(1, 100000) \\g |head -1\n\\echo after\n",
    );
    assert_eq!((head.status.code(), text(&head.stdout).as_str()), (Some(0), "1\nafter\n"));
    let full = feed(rsql(&cluster).args(["-q", "-o", "/dev/full", "-c", "select 1"]), "");
    assert_ne!(full.status.code(), Some(0), "output that is lost must not pass for success");

    let check = |name: &str, content: &str| {
        let file = cluster.path(name);
        std::fs::write(&file, content).expect("script");
        feed(std::process::Command::new(env!("CARGO_BIN_EXE_rsql")).arg("check").arg(file), "")
    };
    assert_eq!(check("good.sql", "select 1;\n").status.code(), Some(0));
    let found = check("bad.sh", "rsql << EOF\nselect 1;\n\\\\bogus\nEOF\n");
    assert_eq!(found.status.code(), Some(1));
    assert!(
        text(&found.stdout).contains("bad.sh:3:1: there is no command \\bogus"),
        "{}",
        text(&found.stdout)
    );

    let long = format!("select '{}' as x;\n", "y".repeat(2_000_000));
    assert_eq!(feed(rsql(&cluster).args(["-q", "-tA"]), &long).stdout.len(), 2_000_001);
    let latin = feed(rsql(&cluster).args(["-q"]), "select 1;\n");
    assert!(latin.status.success());
}

#[test]
fn the_server_goes_away() {
    let cluster = Cluster::start();
    let gone = feed(
        rsql(&cluster).arg("-q"),
        "select pg_terminate_backend(pg_backend_pid());\n\\echo not reached\n",
    );
    assert_eq!(gone.status.code(), Some(2), "{}", text(&gone.stderr));
    assert_eq!(text(&gone.stdout), "");
    assert_eq!(
        text(&gone.stderr),
        "rsql: FATAL: terminating connection due to administrator command\n  SQLSTATE 57P01 at <stdin>:1\n"
    );

    // While nobody asks, too.
    let between = format!(
        "select pg_backend_pid() as pid \\gset\n\\set kill 'psql -h 127.0.0.1 -p {} -U postgres -Xqtc \"select pg_terminate_backend('\n\
         \\set end ', 5000)\" postgres'\n\\set command :kill :pid :end\n\\set done `:command`\nselect 1;\n\\echo not reached\n",
        cluster.port
    );
    let gone = feed(rsql(&cluster).arg("-q"), &between);
    assert_eq!(gone.status.code(), Some(2), "{}", text(&gone.stderr));
    assert!(
        text(&gone.stderr).contains("terminating connection due to administrator command"),
        "{}",
        text(&gone.stderr)
    );
}

#[test]
fn nul_in_a_script_has_its_line() {
    let cluster = Cluster::start();
    let file = cluster.path("nul.sql");
    std::fs::write(&file, b"select 1;\0\nselect 2;\n").expect("a script");
    let output = feed(rsql(&cluster).args(["-q", "-tA", "-f"]).arg(&file), "");
    assert_eq!(output.status.code(), Some(1));
    let place = format!("{}:1: contains the character NUL (0x00)", file.display());
    assert!(text(&output.stderr).contains(&place), "{}", text(&output.stderr));
    let from_shell = feed(rsql(&cluster).arg("-q"), "\\set x `printf 'a\\000b'`\nselect :'x';\n\\echo on\n");
    assert!(!text(&from_shell.stderr).contains("lost"), "{}", text(&from_shell.stderr));
    assert!(text(&from_shell.stdout).ends_with("on\n"), "{}", text(&from_shell.stdout));
}

#[test]
fn nesting_has_an_end_and_an_error() {
    // By functions, whose levels take the most of the stack; and bodies within bodies.
    let nested =
        |levels: usize| format!("select 1;\nselect {}1{};\n", "nvl(".repeat(levels), ")".repeat(levels));
    let mut bodies = "select 1".to_owned();
    for level in 0..1010 {
        bodies = format!("create function f()language sql as $a{level}$ {bodies} $a{level}$");
    }
    let dry = |script: &str| {
        feed(std::process::Command::new(env!("CARGO_BIN_EXE_rsql")).args(["--dry-run", "-q"]), script)
    };
    let fits = dry(&nested(1000));
    assert_eq!(fits.status.code(), Some(0), "{}", text(&fits.stderr));
    assert_eq!(text(&fits.stdout).matches("COALESCE(").count(), 1000);
    for script in [nested(1001), nested(50_000), format!("{bodies};\n")] {
        let found = dry(&script);
        assert!(found.status.code().is_some(), "it ended by itself");
        let told = text(&found.stderr);
        assert!(told.contains("nested more than 1000 levels deep"), "{told}");
    }
}
