"""Fixtures of several tests."""

import pytest

# pytest also explains the assertions of these modules.
pytest.register_assert_rewrite("support.aws", "support.engines", "support.example", "support.ministack")

from support.engines import ministack_engine, moto_engine
from support.example import SECRET, make_secret
from support.ministack import deployed
from support.postgres import postgres
from support.processes import eventually, processes_with


@pytest.fixture(scope="session", autouse=True)
def nothing_left(tmp_path_factory):
    """No process is left running at the end: each has a directory of this session in its environment."""
    base = str(tmp_path_factory.getbasetemp())
    yield
    # The functions of MiniStack end shortly after it, when it no longer answers.
    eventually("the end of all processes", lambda: not processes_with(f"={base}/"), 30)


@pytest.fixture(scope="module")
def deployment(tmp_path_factory, nothing_left):
    """The app on MiniStack, as a user deploys it."""
    with deployed(tmp_path_factory.mktemp("ministack"), default_secret=SECRET) as found:
        make_secret(found.aws)
        yield found


@pytest.fixture
def database(nothing_left):
    """PostgreSQL, for the scripts of the example."""
    with postgres() as credentials:
        yield credentials


@pytest.fixture(scope="session")
def moto(tmp_path_factory, nothing_left):
    """moto with the state machines."""
    with moto_engine(tmp_path_factory.mktemp("moto")) as found:
        yield found


@pytest.fixture(scope="module")
def bare_ministack(tmp_path_factory, nothing_left):
    """MiniStack with the state machines, and functions that follow a scenario."""
    with ministack_engine(tmp_path_factory.mktemp("bare")) as found:
        yield found
