//! What is shown as one query.

use super::{Ask, ask, nothing, show};
use crate::meta::dispatch::Fail;
use crate::session::Session;

const KIND: &str = "CASE c.relkind WHEN 'r' THEN 'table' WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized view' \
    WHEN 'i' THEN 'index' WHEN 'S' THEN 'sequence' WHEN 't' THEN 'TOAST table' WHEN 'f' THEN 'foreign table' \
    WHEN 'p' THEN 'partitioned table' WHEN 'I' THEN 'partitioned index' END";

/// A condition on names, or what hides the system's own.
fn names(ask: &Ask, schema: &str, name: &str, visible: &str) -> String {
    match &ask.pattern {
        Some(pattern) => pattern.condition(schema, name, visible),
        None if ask.system => visible.to_owned(),
        None => format!(
            "{schema} NOT IN ('pg_catalog', 'information_schema', 'redshift') AND {schema} !~ '^pg_toast' AND {visible}"
        ),
    }
}

/// `\dt`, `\dv`, `\di` and so on; the letters are psql's.
pub(super) fn relations(session: &mut Session, letters: &str, what: &Ask) -> Result<(), Fail> {
    let mut kinds = Vec::new();
    for (letter, of) in
        [('t', "'r','p'"), ('v', "'v'"), ('m', "'m'"), ('i', "'i','I'"), ('s', "'S'"), ('E', "'f'")]
    {
        if letters.contains(letter) || letters.is_empty() {
            kinds.push(of);
        }
    }
    let with_index = letters.contains('i');
    let mut columns = format!(
        "n.nspname AS \"Schema\", c.relname AS \"Name\", {KIND} AS \"Type\", pg_get_userbyid(c.relowner) AS \"Owner\""
    );
    if with_index {
        columns.push_str(", t.relname AS \"Table\"");
    }
    if what.more && !session.is_redshift() {
        columns.push_str(
            ", CASE c.relpersistence WHEN 'p' THEN 'permanent' WHEN 't' THEN 'temporary' WHEN 'u' THEN 'unlogged' END AS \"Persistence\"",
        );
        if letters.contains(['t', 'm', 'i']) {
            columns.push_str(", am.amname AS \"Access method\"");
        }
        columns.push_str(", pg_size_pretty(pg_table_size(c.oid)) AS \"Size\"");
    }
    if what.more {
        columns.push_str(", obj_description(c.oid, 'pg_class') AS \"Description\"");
    }
    let method =
        if what.more && !session.is_redshift() { "LEFT JOIN pg_am am ON am.oid = c.relam" } else { "" };
    let index = if with_index {
        "LEFT JOIN pg_index i ON i.indexrelid = c.oid LEFT JOIN pg_class t ON i.indrelid = t.oid"
    } else {
        ""
    };
    let sql = format!(
        "SELECT {columns} FROM pg_class c LEFT JOIN pg_namespace n ON n.oid = c.relnamespace {method} {index} \
         WHERE c.relkind IN ({}) AND {} ORDER BY 1, 2",
        kinds.join(","),
        names(what, "n.nspname", "c.relname", "pg_table_is_visible(c.oid)")
    );
    let table = ask(session, &sql)?;
    if table.rows.is_empty() && !session.quiet() {
        return nothing(session, what, "relation", "relations");
    }
    show(session, &table, "List of relations", None)
}

/// `\dp`, `\z`.
pub(super) fn privileges(session: &mut Session, what: &Ask) -> Result<(), Fail> {
    let more = if session.is_redshift() {
        ""
    } else {
        ", array_to_string(ARRAY(SELECT attname || E':\\n  ' || array_to_string(attacl, E'\\n  ') FROM pg_attribute a \
         WHERE attrelid = c.oid AND NOT attisdropped AND attacl IS NOT NULL), E'\\n') AS \"Column privileges\", \
         array_to_string(ARRAY(SELECT polname FROM pg_policy pol WHERE polrelid = c.oid), E'\\n') AS \"Policies\""
    };
    let sql = format!(
        "SELECT n.nspname AS \"Schema\", c.relname AS \"Name\", {KIND} AS \"Type\", \
         array_to_string(c.relacl, '\n') AS \"Access privileges\"{more} \
         FROM pg_class c LEFT JOIN pg_namespace n ON n.oid = c.relnamespace \
         WHERE c.relkind IN ('r','v','m','S','f','p') AND {} ORDER BY 1, 2",
        names(what, "n.nspname", "c.relname", "pg_table_is_visible(c.oid)")
    );
    let table = ask(session, &sql)?;
    show(session, &table, "Access privileges", None)
}

/// `\dn`.
pub(super) fn schemas(session: &mut Session, what: &Ask) -> Result<(), Fail> {
    let filter = match &what.pattern {
        Some(pattern) => pattern.condition("", "n.nspname", ""),
        None if what.system => "true".into(),
        None => "n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'redshift')".into(),
    };
    let more = if what.more {
        ", array_to_string(n.nspacl, '\n') AS \"Access privileges\", obj_description(n.oid, 'pg_namespace') AS \"Description\""
    } else {
        ""
    };
    let sql = format!(
        "SELECT n.nspname AS \"Name\", pg_get_userbyid(n.nspowner) AS \"Owner\"{more} \
         FROM pg_namespace n WHERE {filter} ORDER BY 1"
    );
    let table = ask(session, &sql)?;
    show(session, &table, "List of schemas", None)
}

/// `\du`, `\dg`.
pub(super) fn roles(session: &mut Session, what: &Ask) -> Result<(), Fail> {
    if session.is_redshift() {
        let filter = what.pattern.as_ref().map_or("true".into(), |p| p.condition("", "u.usename", ""));
        let sql = format!(
            "SELECT u.usename AS \"User name\", CASE WHEN u.usesuper THEN 'superuser' ELSE '' END || \
             CASE WHEN u.usecreatedb THEN ' create database' ELSE '' END AS \"Attributes\" \
             FROM pg_user u WHERE {filter} ORDER BY 1"
        );
        let table = ask(session, &sql)?;
        return show(session, &table, "List of users", None);
    }
    let filter = match &what.pattern {
        Some(pattern) => pattern.condition("", "r.rolname", ""),
        None if what.system => "true".into(),
        None => "r.rolname !~ '^pg_'".into(),
    };
    let sql = format!(
        "SELECT r.rolname AS \"Role name\", concat_ws(', ', CASE WHEN r.rolsuper THEN 'Superuser' END, \
         CASE WHEN NOT r.rolinherit THEN 'No inheritance' END, CASE WHEN r.rolcreaterole THEN 'Create role' END, \
         CASE WHEN r.rolcreatedb THEN 'Create DB' END, CASE WHEN NOT r.rolcanlogin THEN 'Cannot login' END, \
         CASE WHEN r.rolreplication THEN 'Replication' END, CASE WHEN r.rolbypassrls THEN 'Bypass RLS' END) AS \"Attributes\", \
         ARRAY(SELECT b.rolname FROM pg_auth_members m JOIN pg_roles b ON m.roleid = b.oid WHERE m.member = r.oid) AS \"Member of\" \
         FROM pg_roles r WHERE {filter} ORDER BY 1"
    );
    let table = ask(session, &sql)?;
    show(session, &table, "List of roles", Some(Vec::new()))
}

/// `\l`.
pub(super) fn databases(session: &mut Session, what: &Ask) -> Result<(), Fail> {
    let filter = what.pattern.as_ref().map_or("true".into(), |p| p.condition("", "d.datname", ""));
    let middle = if session.is_redshift() {
        ""
    } else {
        "d.datcollate AS \"Collate\", d.datctype AS \"Ctype\", d.daticulocale AS \"ICU Locale\", \
         CASE d.datlocprovider WHEN 'c' THEN 'libc' WHEN 'i' THEN 'icu' END AS \"Locale Provider\","
    };
    let sql = format!(
        "SELECT d.datname AS \"Name\", pg_get_userbyid(d.datdba) AS \"Owner\", \
         pg_encoding_to_char(d.encoding) AS \"Encoding\", {middle} array_to_string(d.datacl, '\n') AS \"Access privileges\" \
         FROM pg_database d WHERE {filter} ORDER BY 1"
    );
    let table = ask(session, &sql)?;
    show(session, &table, "List of databases", None)
}

/// `\dL`.
pub(super) fn languages(session: &mut Session, what: &Ask) -> Result<(), Fail> {
    let filter = match &what.pattern {
        Some(pattern) => pattern.condition("", "l.lanname", ""),
        None if what.system => "true".into(),
        None => "l.lanplcallfoid <> 0".into(),
    };
    let owner = if session.is_redshift() { "" } else { "pg_get_userbyid(l.lanowner) AS \"Owner\", " };
    let sql = format!(
        "SELECT l.lanname AS \"Name\", {owner}l.lanpltrusted AS \"Trusted\", d.description AS \"Description\" \
         FROM pg_language l LEFT JOIN pg_description d ON d.objoid = l.oid AND d.classoid = l.tableoid AND d.objsubid = 0 \
         WHERE {filter} ORDER BY 1"
    );
    let table = ask(session, &sql)?;
    show(session, &table, "List of languages", None)
}

/// `\dC`.
pub(super) fn casts(session: &mut Session) -> Result<(), Fail> {
    let function = if session.is_redshift() {
        "CASE WHEN c.castfunc = 0 THEN '(binary coercible)' ELSE p.proname END"
    } else {
        "CASE c.castmethod WHEN 'b' THEN '(binary coercible)' WHEN 'i' THEN '(with inout)' ELSE p.proname END"
    };
    let sql = format!(
        "SELECT format_type(c.castsource, NULL) AS \"Source type\", format_type(c.casttarget, NULL) AS \"Target type\", \
         {function} AS \"Function\", \
         CASE c.castcontext WHEN 'e' THEN 'no' WHEN 'a' THEN 'in assignment' ELSE 'yes' END AS \"Implicit?\" \
         FROM pg_cast c LEFT JOIN pg_proc p ON c.castfunc = p.oid ORDER BY 1, 2"
    );
    let table = ask(session, &sql)?;
    show(session, &table, "List of casts", None)
}

/// `\dd`: descriptions of constraints and rules are psql's subject; scripts ask for those of relations.
pub(super) fn descriptions(session: &mut Session, what: &Ask) -> Result<(), Fail> {
    let sql = format!(
        "SELECT n.nspname AS \"Schema\", c.conname AS \"Name\", 'table constraint' AS \"Object\", \
         d.description AS \"Description\" FROM pg_constraint c JOIN pg_class t ON t.oid = c.conrelid \
         JOIN pg_namespace n ON n.oid = t.relnamespace \
         JOIN pg_description d ON d.objoid = c.oid AND d.classoid = c.tableoid AND d.objsubid = 0 \
         WHERE {} ORDER BY 1, 2",
        names(what, "n.nspname", "c.conname", "pg_table_is_visible(t.oid)")
    );
    let table = ask(session, &sql)?;
    show(session, &table, "Object descriptions", None)
}

/// `\df`; letters choose aggregates, normal functions, procedures, triggers, window functions.
pub(super) fn functions(session: &mut Session, letters: &str, what: &Ask) -> Result<(), Fail> {
    let filter = names(what, "n.nspname", "p.proname", "pg_function_is_visible(p.oid)");
    if session.is_redshift() {
        let sql = format!(
            "SELECT n.nspname AS \"Schema\", p.proname AS \"Name\", format_type(p.prorettype, NULL) AS \"Result data type\", \
             oidvectortypes(p.proargtypes) AS \"Argument data types\" FROM pg_proc p \
             LEFT JOIN pg_namespace n ON n.oid = p.pronamespace WHERE {filter} ORDER BY 1, 2, 4"
        );
        let table = ask(session, &sql)?;
        return show(session, &table, "List of functions", None);
    }
    let kinds: Vec<&str> = [
        ('a', "p.prokind = 'a'"),
        ('p', "p.prokind = 'p'"),
        ('w', "p.prokind = 'w'"),
        ('t', "p.prorettype = 'trigger'::regtype"),
        ('n', "(p.prokind = 'f' AND p.prorettype <> 'trigger'::regtype)"),
    ]
    .into_iter()
    .filter(|(letter, _)| letters.contains(*letter))
    .map(|(_, sql)| sql)
    .collect();
    let kinds = if kinds.is_empty() { "true".to_owned() } else { kinds.join(" OR ") };
    let sql = format!(
        "SELECT n.nspname AS \"Schema\", p.proname AS \"Name\", pg_get_function_result(p.oid) AS \"Result data type\", \
         pg_get_function_arguments(p.oid) AS \"Argument data types\", CASE p.prokind WHEN 'a' THEN 'agg' \
         WHEN 'w' THEN 'window' WHEN 'p' THEN 'proc' ELSE CASE WHEN p.prorettype = 'trigger'::regtype THEN 'trigger' \
         ELSE 'func' END END AS \"Type\" FROM pg_proc p LEFT JOIN pg_namespace n ON n.oid = p.pronamespace \
         WHERE ({kinds}) AND {filter} ORDER BY 1, 2, 4"
    );
    let table = ask(session, &sql)?;
    show(session, &table, "List of functions", None)
}
