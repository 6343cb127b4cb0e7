"""Where things are."""

import os
import pathlib

ROOT = pathlib.Path(__file__).resolve().parents[3]
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR") or ROOT / "target").resolve()
CDK = ROOT / "cdk-config"
MACHINES = ROOT / "statemachines"
EXAMPLES = ROOT / "examples"


def program(name):
    """One of our own programs, as `make build` made it."""
    path = TARGET / "debug" / name
    assert path.is_file(), f"{path} is missing: run `make build` first"
    return path
