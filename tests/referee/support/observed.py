"""What is compared of an execution, and how it is made comparable. docs/referees.md has the same in words."""

import collections
import json

# Of an error's cause only this: the rest is ids, times, sizes and stack traces.
CAUSE = ("errorType", "errorMessage", "Error", "Status")


def cause(text):
    """A cause: JSON, which services write, down to what it says; other text as it is."""
    try:
        value = json.loads(text)
    except (TypeError, ValueError):
        return text
    if not isinstance(value, dict):
        return text
    found = {name: value[name] for name in CAUSE if value.get(name) is not None}
    # StartExecution's: the child's own cause.
    return {**found, "Cause": cause(value["Cause"])} if "Cause" in value else found


def cleaned(value, run):
    """A payload without what differs by nature: the run's name, tokens and times; and causes as by `cause`."""
    if isinstance(value, dict):
        plain = {name: cleaned(one, run) for name, one in value.items() if name not in ("task_token", "entered")}
        if "Cause" in plain and "Error" in plain:
            plain["Cause"] = cleaned(cause(value["Cause"]), run)
        return plain
    if isinstance(value, list):
        return [cleaned(one, run) for one in value]
    return value.replace(run, "$run") if isinstance(value, str) else value


def states(events):
    """The states that were entered and left, by name, as the history has them."""
    found = []
    for event in events:
        for kind, word in (("stateEnteredEventDetails", "+"), ("stateExitedEventDetails", "-")):
            if kind in event:
                found.append(word + event[kind]["name"])
    return found


def execution(told, run, ordered):
    """An execution."""
    seen = states(told["events"])
    return {
        "status": told["status"],
        "error": told["error"],
        "cause": cleaned(cause(told["cause"]), run),
        "output": cleaned(json.loads(told["output"]), run) if told["output"] else None,
        "states": seen if ordered else dict(sorted(collections.Counter(seen).items())),
    }


def observed(played, run, ordered):
    """All of a scenario: each execution, and what each function was sent, in order where there is one."""
    calls = [[call["function"], cleaned(call["payload"], run)] for call in played["calls"]]
    if not ordered:
        calls.sort(key=json.dumps)
    executions = {
        arn.rsplit(":", 1)[1].replace(run, "$run"): execution(told, run, ordered)
        for arn, told in played["executions"].items()
    }
    return {"executions": dict(sorted(executions.items())), "calls": calls}


def main(played):
    """The scenario's own execution: the first."""
    return next(iter(played["executions"].values()))


def difference(wanted, got, at=""):
    """Every difference, readable."""
    if isinstance(wanted, dict) and isinstance(got, dict):
        found = []
        for name in [*wanted, *(name for name in got if name not in wanted)]:
            found += difference(wanted.get(name), got.get(name), f"{at}.{name}")
        return found
    if isinstance(wanted, list) and isinstance(got, list) and len(wanted) == len(got):
        return [line for i, pair in enumerate(zip(wanted, got)) for line in difference(*pair, f"{at}[{i}]")]
    return [] if wanted == got else [f"{at}: {json.dumps(wanted)} and {json.dumps(got)}"]
