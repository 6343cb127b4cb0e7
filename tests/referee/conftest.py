"""Places that several tests ask."""

import pytest

from support.ministack import deployed


@pytest.fixture(scope="session")
def deployment(tmp_path_factory):
    """The app on MiniStack, as a user deploys it."""
    with deployed(tmp_path_factory.mktemp("ministack")) as found:
        yield found
