"""What is compared of an execution, and how it is made comparable. docs/referees.md describes it."""

import collections
import json

# Parts of a cause that are compared. The rest is ids, times, sizes and stack traces.
CAUSE = ("errorType", "errorMessage", "Error", "Status")


def cause(text):
    """A cause. Of JSON, only the parts that are compared; any other text is unchanged."""
    try:
        value = json.loads(text)
    except (TypeError, ValueError):
        return text
    if not isinstance(value, dict):
        return text
    found = {name: value[name] for name in CAUSE if value.get(name) is not None}
    # Of StartExecution: the cause of the child.
    return {**found, "Cause": cause(value["Cause"])} if "Cause" in value else found


def cleaned(value, run):
    """A payload without the name of the run, tokens and times, and with causes as in `cause`."""
    if isinstance(value, dict):
        plain = {name: cleaned(one, run) for name, one in value.items() if name not in ("task_token", "entered")}
        if "Cause" in plain and "Error" in plain:
            plain["Cause"] = cleaned(cause(value["Cause"]), run)
        return plain
    if isinstance(value, list):
        return [cleaned(one, run) for one in value]
    return value.replace(run, "$run") if isinstance(value, str) else value


def states(events):
    """The names of the states that were entered and exited, from the history."""
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
    """The result of a scenario: each execution, and the payloads of each function, in order if it is defined."""
    calls = [[call["function"], cleaned(call["payload"], run)] for call in played["calls"]]
    if not ordered:
        calls.sort(key=json.dumps)
    executions = {
        arn.rsplit(":", 1)[1].replace(run, "$run"): execution(told, run, ordered)
        for arn, told in played["executions"].items()
    }
    return {"executions": dict(sorted(executions.items())), "calls": calls}


def main(played):
    """The execution of the scenario: the first one."""
    return next(iter(played["executions"].values()))


def difference(wanted, got, at=""):
    """The differences as text."""
    if isinstance(wanted, dict) and isinstance(got, dict):
        found = []
        for name in [*wanted, *(name for name in got if name not in wanted)]:
            found += difference(wanted.get(name), got.get(name), f"{at}.{name}")
        return found
    if isinstance(wanted, list) and isinstance(got, list) and len(wanted) == len(got):
        return [line for i, pair in enumerate(zip(wanted, got)) for line in difference(*pair, f"{at}[{i}]")]
    return [] if wanted == got else [f"{at}: {json.dumps(wanted)} and {json.dumps(got)}"]
