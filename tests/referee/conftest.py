"""Places that several tests ask."""

import pytest

# Their assertions too say what was compared.
pytest.register_assert_rewrite("support.aws", "support.engines", "support.example", "support.ministack")

from support.engines import ministack_engine, moto_engine
from support.example import SECRET, make_secret
from support.ministack import deployed
from support.postgres import postgres
from support.processes import eventually, processes_with


@pytest.fixture(scope="session", autouse=True)
def nothing_left(tmp_path_factory):
    """No process of ours is there when all is over: each has a folder of this session in its environment."""
    base = str(tmp_path_factory.getbasetemp())
    yield
    # MiniStack's functions end by themselves a moment after it, when nobody answers them any more.
    eventually("the end of all processes", lambda: not processes_with(f"={base}/"), 30)


@pytest.fixture(scope="module")
def deployment(tmp_path_factory, nothing_left):
    """The app on MiniStack, as a user deploys it."""
    with deployed(tmp_path_factory.mktemp("ministack"), default_secret=SECRET) as found:
        make_secret(found.aws)
        yield found


@pytest.fixture
def database(nothing_left):
    """PostgreSQL, for the example's scripts."""
    with postgres() as credentials:
        yield credentials


@pytest.fixture(scope="session")
def moto(tmp_path_factory, nothing_left):
    """moto with our machines on it."""
    with moto_engine(tmp_path_factory.mktemp("moto")) as found:
        yield found


@pytest.fixture(scope="module")
def bare_ministack(tmp_path_factory, nothing_left):
    """MiniStack with our machines on it, and functions that do as a scenario says."""
    with ministack_engine(tmp_path_factory.mktemp("bare")) as found:
        yield found
