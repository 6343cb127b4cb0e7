"""Paths."""

import os
import pathlib

ROOT = pathlib.Path(__file__).resolve().parents[3]
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR") or ROOT / "target").resolve()
CDK = ROOT / "cdk-config"
MACHINES = ROOT / "statemachines"
EXAMPLES = ROOT / "examples"


def program(name):
    """A program that `make build` built."""
    path = TARGET / "debug" / name
    assert path.is_file(), f"{path} is missing: run `make build` first"
    return path
