"""Programs that tests start: with a separate environment, on loopback, and ended with all their child processes."""

import contextlib
import os
import pathlib
import signal
import socket
import subprocess
import sys
import time
import urllib.request

from support.paths import TARGET

REGION = "us-east-1"

# What a program needs from the environment of the caller. No other variables, so that no AWS configuration is used.
# npm and pip need the proxies and certificates. `NO_PROXY` below excludes loopback.
INHERITED = ("LANG", "TMPDIR", "CARGO_TARGET_DIR", "npm_config_cache")


def environment(home, **more):
    """The environment of a program whose home directory is `home`."""
    path = os.pathsep.join([str(pathlib.Path(sys.executable).parent), str(TARGET / "debug"), os.environ["PATH"]])
    return {
        **{name: os.environ[name] for name in INHERITED if name in os.environ},
        "PATH": path,
        "HOME": str(home),
        "NO_PROXY": "127.0.0.1,localhost",
        "AWS_CONFIG_FILE": "/dev/null",
        "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_PAGER": "",
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "PYTHONDONTWRITEBYTECODE": "1",
        **{name: str(value) for name, value in more.items()},
    }


def free_port():
    """A free port on loopback."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def eventually(what, check, seconds=60, pause=0.1, alive=None):
    """Repeats a check until it returns a result. Fails early if the program has ended."""
    deadline = time.monotonic() + seconds
    while not (answer := check()):
        assert alive is None or alive(), f"{what}: its program has ended"
        assert time.monotonic() < deadline, f"{what}: not within {seconds} s"
        time.sleep(pause)
    return answer


def answers(url):
    """Whether a server answers."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        opener.open(url, timeout=5).close()
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False
    return True


@contextlib.contextmanager
def running(name, argv, folder, env):
    """A program in a separate session, with its output in `folder/name.log`. The whole session is ended with it."""
    log = pathlib.Path(folder) / f"{name}.log"
    with log.open("wb") as out:
        child = subprocess.Popen(
            [str(part) for part in argv],
            cwd=folder,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    child.log = log
    try:
        yield child
    finally:
        if child.poll() is None:
            child.terminate()
            try:
                child.wait(timeout=20)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
        # Ends what the program left in its session. The group exists as long as one of its processes.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)


def run(argv, folder, env, seconds=600):
    """Runs a program and returns its standard output. If it fails, the test fails with its output."""
    done = subprocess.run(
        [str(part) for part in argv],
        cwd=folder,
        env=env,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )
    assert done.returncode == 0, f"{argv[0]} ended with {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def processes_with(mark):
    """Ids of the processes with `mark` in their environment or arguments, except zombies: what a test left running."""
    found = []
    for entry in pathlib.Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        with contextlib.suppress(OSError):
            if mark.encode() in (entry / "environ").read_bytes() + (entry / "cmdline").read_bytes():
                found.append((int(entry.name), (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()))
    return found
