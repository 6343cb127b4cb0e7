"""A PostgreSQL server that replaces Redshift, as in the demos of the examples."""

import contextlib
import os
import pathlib
import pwd
import secrets
import shutil
import subprocess
import tempfile

from support.processes import free_port


@contextlib.contextmanager
def postgres():
    """A separate server on loopback; returns the contents of its secret."""
    bins = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin/postgres"))
    assert bins, "PostgreSQL's server is missing: run `make tool-postgres`"
    # PostgreSQL refuses to run as root, so root runs it as the user of its package, in a directory of that user.
    user = pwd.getpwnam("postgres") if os.getuid() == 0 else None
    folder = pathlib.Path(tempfile.mkdtemp(prefix="rsqlflow-referee-"))
    if user:
        os.chown(folder, user.pw_uid, user.pw_gid)
    credentials = {
        "host": "127.0.0.1",
        "port": free_port(),
        "username": "etl",
        "password": secrets.token_urlsafe(18),
        "dbname": "postgres",
    }

    def call(program, *arguments, check=True):
        subprocess.run(
            [bins[-1].parent / program, "-D", folder / "data", *arguments],
            check=check,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            timeout=120,
            **({"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []} if user else {}),
        )

    try:
        password = folder / "password"
        password.touch(mode=0o600)
        password.write_text(credentials["password"])
        if user:
            os.chown(password, user.pw_uid, user.pw_gid)
        call("initdb", "-U", "etl", "--auth=scram-sha-256", f"--pwfile={password}")
        options = f"-p {credentials['port']} -c listen_addresses=127.0.0.1 -c unix_socket_directories='' -c fsync=off"
        call("pg_ctl", "-l", folder / "log", "-w", "-o", options, "start")
        yield credentials
    finally:
        call("pg_ctl", "stop", "-m", "immediate", check=False)
        shutil.rmtree(folder, ignore_errors=True)
