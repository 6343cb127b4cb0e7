"""moto, MiniStack and our own interpreter run the same scenarios with the deployed state machines, and agree on
outcomes, states, and what each function is sent. Where one differs, AWS's documentation decides; docs/referees.md names
the pages."""

import pytest

from support import observed
from support.engines import Interpreter
from support.scenario import load

SCENARIOS = {name: scenario for name, scenario in load().items() if not name.startswith("times/")}

NO_CHILDREN = "moto starts no child executions: it does not know StartExecution's parameters as the service spells them"
GOES_ON = "MiniStack's Map begins further items after one has failed"

# Where an engine differs from the documentation. If an engine agrees, its test fails: remove it from this list.
DIFFERS = {
    ("moto", "master/a_stage_of_each_kind"): NO_CHILDREN,
    ("moto", "master/a_stage_fails"): NO_CHILDREN,
    ("moto", "master/rows_are_settled_later"): NO_CHILDREN,
    ("ministack", "sequential/one_fails_and_the_stage_stops"): GOES_ON,
    ("ministack", "sequential/what_nobody_knows_stops_even_a_stage_that_goes_on"): GOES_ON,
    ("ministack", "master/a_stage_fails"): GOES_ON,
}

# These never end: MiniStack waits for the token of a call that failed.
NOT_PLAYED = {("ministack", "sequential/the_launcher_dies_once")}


@pytest.fixture(scope="module")
def ours():
    """The results of the interpreter."""
    return Interpreter().play_all(SCENARIOS)


def played_by(engine):
    """The results of an engine for all scenarios."""
    found = engine.play_all({name: one for name, one in SCENARIOS.items() if (engine.name, name) not in NOT_PLAYED})
    assert engine.stub.errors == []
    assert [name for name, told in found.items() if isinstance(told, dict) and told["refused"]] == []
    return found


@pytest.fixture(scope="module")
def moto_played(moto):
    """The results of moto."""
    return played_by(moto)


@pytest.fixture(scope="module")
def ministack_played(bare_ministack):
    """The results of MiniStack."""
    return played_by(bare_ministack)


@pytest.mark.parametrize("name", SCENARIOS)
def test_the_interpreter_ends_as_expected(ours, name):
    main, wanted = observed.main(ours[name]), SCENARIOS[name]["expect"]
    assert (main["status"], main["error"]) == (wanted["status"], wanted.get("error"))


def judge(engine, name, ours, theirs, look):
    """Compares two results. Differences must be in the list above."""
    if isinstance(theirs, Exception):
        raise theirs
    scenario = SCENARIOS[name]
    ordered = not scenario.get("unordered")
    seen = []
    for place, told in (("interpreter", ours), (engine, theirs)):
        seen.append(look(observed.observed(told, f"{place}-{name.replace('/', '-')}", ordered)))
    differences = observed.difference(*seen)
    if (engine, name) in DIFFERS:
        assert differences, f"they agree now: take it from the list ({DIFFERS[engine, name]})"
    else:
        assert differences == []


@pytest.mark.parametrize("name", SCENARIOS)
def test_moto_agrees(moto_played, ours, name):
    judge("moto", name, ours[name], moto_played[name], lambda seen: seen)


# The states within a Map.
WITHIN = ("RunJob", "OnFailure", "GoOn", "StopHere", "Noted")


def without_what_ministack_has_not(seen):
    """MiniStack's histories have no states within a Map, and its outputs ignore an empty `ResultSelector`."""
    for told in seen["executions"].values():
        del told["output"]
        states = told["states"]
        kept = [state for state in states if state[1:] not in WITHIN]
        told["states"] = kept if isinstance(states, list) else {state: states[state] for state in kept}
    return seen


@pytest.mark.parametrize("name", [name for name in SCENARIOS if ("ministack", name) not in NOT_PLAYED])
def test_ministack_agrees(ministack_played, ours, name):
    judge("ministack", name, ours[name], ministack_played[name], without_what_ministack_has_not)
