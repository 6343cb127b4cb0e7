"""Times on moto: heartbeats, timeouts, delays between retries, and concurrency of the deployed state machines. The
interpreter runs the same scenarios in virtual time."""

import pytest

from support import observed
from support.engines import Interpreter
from support.scenario import load

SCENARIOS = {name: scenario for name, scenario in load().items() if name.startswith("times/")}


@pytest.fixture(scope="module")
def played(moto):
    """The results of all scenarios."""
    found = moto.play_all(SCENARIOS)
    assert moto.stub.errors == []
    return found


def gaps(told, function):
    """Seconds between the calls of a function."""
    at = [call["at"] for call in told["calls"] if call["function"] == function]
    return [later - earlier for earlier, later in zip(at, at[1:])]


@pytest.mark.parametrize("name", SCENARIOS)
def test_moto_and_the_interpreter_agree(played, name):
    scenario, theirs = SCENARIOS[name], played[name]
    if isinstance(theirs, Exception):
        raise theirs
    wanted = scenario["expect"]
    ours = Interpreter().play(name, scenario)
    for told in (ours, theirs):
        main = observed.main(told)
        assert (main["status"], main["error"]) == (wanted["status"], wanted.get("error"))
        assert told["most_open"] == wanted.get("most_open", told["most_open"])
    # moto accepts heartbeats of an attempt that ended while the execution runs, unlike the page of SendTaskHeartbeat.
    assert ours["refused"] is wanted.get("refused", False)
    ordered = not scenario.get("unordered")
    runs = [f"{engine}-{name.replace('/', '-')}" for engine in ("interpreter", "moto")]
    ours, theirs = (observed.observed(told, run, ordered) for told, run in zip((ours, theirs), runs))
    assert observed.difference(ours, theirs) == []


def test_a_missed_heartbeat_is_noticed_in_time(played):
    """5 s without a heartbeat, then at most 1 s of delay with full jitter."""
    (gap,) = gaps(played["times/a_silent_job_is_looked_at_again"], "rsql-invoke")
    assert 5 <= gap < 5 + 1 + 3


def test_tries_after_silence_are_few_and_near_each_other(played):
    """A heartbeat of 1 s, then delays of at most 1, 2, 4, 5 s: `MaxDelaySeconds` is 5."""
    found = gaps(played["times/a_job_that_is_never_heard_of"], "rsql-invoke")
    assert len(found) == 4
    for gap, most in zip(found, (1, 2, 4, 5)):
        assert 1 <= gap < 1 + most + 3, found


def test_looks_grow_apart_to_max_delay_seconds(played):
    """Without jitter the delays are 1, 1.5, 2.25, … and from the tenth on 30 s, where they would be 38.4 and 57.7 s."""
    name = "times/looks_again_at_most_30_s_apart"
    theirs = gaps(played[name], "parallel-load-check")
    ours = gaps(Interpreter().play(name, SCENARIOS[name]), "parallel-load-check")
    assert [round(gap, 3) for gap in ours[-2:]] == [30, 30]
    assert ours[0] == 1
    assert len(ours) == len(theirs) == 11
    for mine, moto in zip(ours, theirs):
        assert mine - 0.2 <= moto < mine + 4, (ours, theirs)
