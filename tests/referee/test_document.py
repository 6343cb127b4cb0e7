"""The shell scripts of the SSM documents, run by the shells of instances with malicious parameter values.

SSM gives a parameter of `interpolationType: ENV_VAR` as the variable `SSM_<name>` (Systems Manager user guide, "Data
elements and parameters"). Its patterns are checked before that; here they are first left out, for the shell has to be
safe by itself, and then looked at alone.
"""

import json
import pathlib
import re
import shutil
import subprocess
import sys

import pytest

from support.paths import CDK
from support.processes import environment, run

SHELLS = {
    "sh": ["sh"],
    "dash": ["dash"],
    "bash": ["bash"],
    # This is `sh` on Amazon Linux and Red Hat.
    "bash as sh": ["bash", "--posix"],
}

AGENT = "/usr/bin/rsqlflow-agent"
# The parameters of the document, with the options of the agent that take them.
OPTIONS = {
    one["name"]: one["option"]
    for one in json.loads((CDK.parent / "core/contract.json").read_text())["document"]["parameters"]
}
VALUES = {
    "ExecutionId": "nightly-20260101T000000-0a1b2c3d",
    "JobId": "0003#00017",
    "Attempt": "2",
    "Digest": "0123456789abcdef" * 4,
}
GOOD = {name: VALUES[name] for name in OPTIONS}


def arguments(values):
    """The arguments of the agent for these values."""
    return ["run", *(f"--{option}={values[name]}" for name, option in OPTIONS.items())]

# What a value could do as text of a shell script. `MARK` is a file that must not be created.
HOSTILE = [
    "; touch MARK",
    "| touch MARK",
    "&& touch MARK",
    "& touch MARK &",
    "$(touch MARK)",
    "`touch MARK`",
    "${IFS}touch${IFS}MARK",
    "' ; touch MARK ; '",
    '" ; touch MARK ; "',
    "\" $(touch MARK) \"",
    "\\\"; touch MARK; \\\"",
    "x\ntouch MARK\n",
    "x\r\ntouch MARK",
    "> MARK",
    "<(touch MARK)",
    "$((a[$(touch MARK)]))",
    "a[$(touch MARK)]",
    "{{ JobId }}",
    "{{ssm:secret}}",
    "$SSM_JobId",
    "!!",
    "~root",
    "*",
    "/*/*",
    "?",
    "[a-z]",
    "{a,b}",
    "-",
    "--",
    "--help",
    "-c",
    "--attempt=9",
    "a b  c\td",
    " ",
    "#",
    "\\",
    "\\n%s%n",
    "ünïcödé ☃",
    "\x01\x1b[31m\x7f",
    "A" * 100_000,
]


@pytest.fixture(scope="module")
def documents(tmp_path_factory):
    """The documents, made by the CDK app."""
    home = tmp_path_factory.mktemp("documents")
    text = """
        import { runJob } from './lib/documents/run-job.js';
        import { checkAgent, installAgent } from './lib/documents/install-agent.js';
        const packages = [{ kind: 'deb', url: 'https://example.invalid/a.deb', sha256: '0'.repeat(64) }];
        const install = installAgent(packages, 'prefix = "rsqlflow"');
        console.log(JSON.stringify({ run: runJob(), install, check: checkAgent() }));
    """
    return json.loads(run(["npx", "tsx", "--input-type=module", "-e", text], CDK, environment(home)))


@pytest.fixture(params=SHELLS)
def shell(request):
    """Each shell."""
    argv = SHELLS[request.param]
    assert shutil.which(argv[0]), f"{argv[0]} is not installed"
    return argv


class Instance:
    """A directory that represents an instance, with an agent that records its arguments."""

    def __init__(self, folder, text):
        self.folder, self.calls = folder, folder / "calls"
        self.mark = folder / "mark"
        self.agent = folder / "agent"
        self.agent.write_text(
            f"#!{sys.executable} -IS\n"
            "import json, sys\n"
            f"open({str(self.calls)!r}, 'a').write(json.dumps(sys.argv[1:]) + '\\n')\n"
            "sys.exit(7)\n"
        )
        self.agent.chmod(0o755)
        self.step = folder / "step.sh"
        assert AGENT in text
        self.step.write_text(text.replace(AGENT, str(self.agent)))

    def run(self, argv, parameters):
        """Runs the step; returns its result and the calls of the agent."""
        self.calls.unlink(missing_ok=True)
        env = environment(self.folder, **{f"SSM_{name}": value for name, value in parameters.items()})
        done = subprocess.run(
            [*argv, str(self.step)], cwd=self.folder, env=env, capture_output=True, text=True, timeout=60, check=False
        )
        calls = self.calls.read_text().splitlines() if self.calls.exists() else []
        return done, [json.loads(call) for call in calls]


@pytest.fixture
def instance(documents, tmp_path):
    """An instance and the step that starts jobs."""
    (step,) = documents["run"]["mainSteps"]
    # The SSM agent writes the lines to a file and runs it.
    return Instance(tmp_path, "\n".join(step["inputs"]["runCommand"]) + "\n")


def test_good_values_reach_the_agent(instance, shell):
    done, calls = instance.run(shell, GOOD)
    assert calls == [arguments(GOOD)]
    # The agent replaces the shell, so its exit code is that of the step.
    assert done.returncode == 7, done.stderr
    assert done.stdout == done.stderr == ""


@pytest.mark.parametrize("name", GOOD)
def test_a_hostile_value_is_an_argument_and_nothing_else(instance, shell, name):
    for hostile in HOSTILE:
        value = hostile.replace("MARK", str(instance.mark))
        before = sorted(path.name for path in instance.folder.iterdir() if path != instance.calls)
        done, calls = instance.run(shell, {**GOOD, name: value})
        assert calls == [arguments({**GOOD, name: value})], f"{value!r}: {done.stderr}"
        assert done.stdout == done.stderr == "", f"{value!r}"
        after = sorted(path.name for path in instance.folder.iterdir() if path != instance.calls)
        assert before == after, f"{value!r} made a file"


@pytest.mark.parametrize("name", GOOD)
@pytest.mark.parametrize("value", [None, ""])
def test_a_missing_value_is_refused(instance, shell, name, value):
    """An SSM agent that does not support `interpolationType` sets no variables."""
    given = {key: text for key, text in GOOD.items() if key != name}
    if value is not None:
        given[name] = value
    done, calls = instance.run(shell, given)
    assert calls == []
    assert done.returncode not in (0, 7, 127)
    assert f"SSM_{name}: the SSM agent is older than 3.3.2746.0" in done.stderr


def test_field_separators_of_the_environment_split_nothing(instance, shell):
    given = {f"SSM_{name}": value for name, value in GOOD.items()}
    subprocess.run(
        [*shell, str(instance.step)],
        cwd=instance.folder,
        env=environment(instance.folder, IFS="-_#0", **given),
        timeout=60,
        check=False,
    )
    assert json.loads(instance.calls.read_text()) == arguments(GOOD)


def test_without_an_agent_the_step_says_so(instance, shell):
    instance.agent.unlink()
    done, _ = instance.run(shell, GOOD)
    assert done.returncode == 127
    assert done.stderr == f"{instance.agent} is not installed\n"


def test_the_patterns_let_no_hostile_value_through(documents):
    """`matches` of Java is anchored and `MatchString` of Go is not, so the patterns have anchors. In some dialects `$` also
    matches before a final newline, which is harmless, as the tests above show."""
    parameters = documents["run"]["parameters"]
    assert sorted(parameters) == sorted(GOOD)
    for name, parameter in parameters.items():
        pattern = parameter["allowedPattern"]
        assert parameter["interpolationType"] == "ENV_VAR"
        assert pattern.startswith("^") and pattern.endswith("$")
        # No syntax in which Java and RE2 of Go differ.
        assert re.fullmatch(r"\^(?:\[[A-Za-z0-9_-]+\]\{\d+(?:,\d+)?\}|#)+\$", pattern), pattern
        assert re.search(pattern, GOOD[name])
        for hostile in HOSTILE + [GOOD[name] + ";", " " + GOOD[name], GOOD[name] + "\nx"]:
            if name == "ExecutionId" and re.fullmatch(r"[-A-Za-z0-9_]{1,60}", hostile):
                continue
            assert not re.search(pattern, hostile), f"{name}: {hostile!r}"
    assert "{{" not in json.dumps(documents["run"]["mainSteps"])


@pytest.mark.parametrize("name", ["run", "install", "check"])
def test_every_shell_reads_every_step(documents, shell, name, tmp_path):
    steps = [step for step in documents[name]["mainSteps"] if step["action"] == "aws:runShellScript"]
    assert steps
    for step in steps:
        script = pathlib.Path(tmp_path, "step.sh")
        script.write_text("\n".join(step["inputs"]["runCommand"]) + "\n")
        subprocess.run([*shell, "-n", str(script)], check=True, capture_output=True, timeout=60)
