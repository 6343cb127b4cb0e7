"""Runs what a page of the documentation shows: `page.py PAGE.md`.

All shell blocks run as one script in an empty directory, so later ones see what earlier ones did; a Python block
runs at its place in it. After that, the steps of the workflow for GitHub Actions, in a directory with nothing but the
scripts.
"""

import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys

import yaml

BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def run(script, directory, **env):
    """As a shell of GitHub Actions runs a step, but saying what it does."""
    command = ["bash", "-euxo", "pipefail", "-c", script]
    # A group of its own, so that nothing that it started is left behind.
    process = subprocess.Popen(command, cwd=directory, env={**os.environ, **env}, start_new_session=True)
    return process, process.wait()


def shell(blocks):
    """The script of all shell and Python blocks."""
    lines = []
    for language, text in blocks:
        if language == "sh":
            lines.append(text)
        elif language == "python":
            lines.append(f"python - <<'END OF PYTHON'\n{text}END OF PYTHON\n")
    return "\n".join(lines)


def steps(text, directory):
    """The scripts of a workflow's steps, with what they tell each other by GITHUB_ENV."""
    variables = directory / "github.env"
    variables.touch()
    for job in yaml.safe_load(text)["jobs"].values():
        for step in job["steps"]:
            if "run" not in step:
                continue
            pairs = (line.split("=", 1) for line in variables.read_text(encoding="utf-8").splitlines())
            yield step["run"], {**dict(pairs), "GITHUB_ENV": str(variables)}


def main():
    page = pathlib.Path(sys.argv[1])
    blocks = BLOCK.findall(page.read_text(encoding="utf-8"))
    unknown = {language for language, _ in blocks} - {"sh", "python", "yaml", "text"}
    assert not unknown, f"nobody would run blocks of {unknown}"
    directory = pathlib.Path.cwd()
    groups = []
    try:
        arrivals = page.resolve().parents[1] / "examples/arrivals"
        process, code = run(shell(blocks), directory, arrivals=str(arrivals))
        groups.append(process.pid)
        assert code == 0, f"the page's shell blocks end with {code}"
        count = 0
        for language, text in blocks:
            if language == "yaml":
                checkout = directory / "checkout"
                shutil.copytree(directory / "scripts", checkout / "scripts")
                for script, env in steps(text, directory):
                    process, code = run(script, checkout, **env)
                    groups.append(process.pid)
                    assert code == 0, f"a step ends with {code}:\n{script}"
                    count += 1
        print(f"ran {sum(language != 'text' for language, _ in blocks)} blocks, {count} steps")
    finally:
        for group in groups:
            try:
                os.killpg(group, signal.SIGTERM)
            except ProcessLookupError:
                pass


if __name__ == "__main__":
    main()
