//! `\?` and `--help`.

use super::dispatch::{Context, Fail};

/// The help of the command line.
pub(crate) const HELP: &str = "\
rsql runs Amazon Redshift RSQL scripts.

Usage:
  rsql [OPTION]... [DBNAME [USERNAME]]
  rsql check [-v NAME=VALUE] [--dialect=redshift] [--output=json] FILE...
                          look for mistakes in scripts
  rsql check --survey [--output=json] DIR...
                          count which statements run on PostgreSQL
  rsql flow FILE          draw a script's control flow (Mermaid)

Connection:
  -h, --host=HOSTNAME      server host, or directory of a socket
  -p, --port=PORT          server port (default 5439)
  -U, --username=USERNAME  user
  -d, --dbname=DBNAME      database
  -D, --dsn=DSN            entry of odbc.ini
  -w, --no-password        never ask for a password
  -W, --password           ask for a password
      --sslmode=MODE       disable, allow, prefer, require, verify-ca, verify-full
      --sslrootcert=FILE   trusted root certificates (PEM)
  RSPASSWORD holds the password.

Script:
  -c, --command=COMMAND    run one command and end
  -f, --file=FILE          run a file and end
  -v, --set=NAME=VALUE     set a variable
      --dry-run            show what would be sent, and send nothing
      --dialect=NAME       redshift or postgres: whether Redshift's SQL is translated
                           (redshift where the server is not Redshift)
      --strict             refuse what only PostgreSQL has
      --s3-root=DIR        the directory that s3:// stands for, with --dialect redshift

Output:
  -a, --echo-all           show every line of the script
  -b, --echo-errors        show statements that fail
  -e, --echo-queries       show statements that are sent
  -q, --quiet              results only
  -o, --output=FILE        results to a file, or |command
  -A, --no-align           unaligned
      --csv                comma-separated values
  -H, --html               HTML
  -t, --tuples-only        rows only
  -x, --expanded           each record as a list
  -F, --field-separator=S  -z, --field-separator-zero
  -R, --record-separator=S -0, --record-separator-zero
  -P, --pset=VAR[=ARG]     as \\pset
  -T, --table-attr=TEXT    HTML attributes of tables
  -X, --no-rsqlrc          accepted as in psql; there is no start-up file
  -V, --version            -?, --help
";

const COMMANDS: &str = "\
Control
  \\if EXPR, \\elseif EXPR, \\elif EXPR, \\else, \\endif   comparisons, AND, OR, NOT
  \\goto LABEL, \\label LABEL     jump forward
  \\exit [N], \\quit, \\q          end with status N
  \\run file=FILE [skip=N]        run a file, without its first N lines
  \\i FILE, \\ir FILE             run a file
Variables
  \\set [NAME [VALUE]...], \\unset NAME, \\gset [PREFIX]
  ERROR ERRORCODE LAST_ERROR_MESSAGE ACTIVITYCOUNT ROW_COUNT
Output
  \\echo, \\qecho, \\warn [-n] TEXT, \\remark TEXT (// is a line break)
  \\g [(OPTION=VALUE...)] [FILE or |COMMAND], \\gx, \\o [FILE or |COMMAND]
  \\a, \\t, \\x, \\H, \\f, \\C, \\T, \\pset [NAME [VALUE]], \\timing [on|off]
  \\rset errorlevel CODE severity N | maxerror N | heading TEXT | rtitle TEXT
  \\rset rformat [on|off] | titledashes on|off | width N
  \\export report file=FILE, \\export reset
  \\copy TABLE or (QUERY) FROM or TO FILE
Catalogue
  \\d[S+] [NAME]  \\dt \\dv \\dm \\di \\ds \\de \\dn \\dp \\du \\df \\dC \\dd \\dL \\l \\sv
Session
  \\connect, \\c [DB|- [USER|- [HOST|- [PORT|-]]]], \\logon, \\conninfo, \\encoding
  \\! COMMAND, \\os COMMAND, \\cd [DIR]
  \\p, \\r, \\w FILE, \\errverbose, \\?
";

pub(super) fn help(context: &mut Context<'_, '_>) -> Result<(), Fail> {
    context.session.say(COMMANDS.trim_end())?;
    Ok(())
}
