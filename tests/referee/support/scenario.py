"""A scenario: a state machine, its input, and the action of each function for each call.

The same scenario is played by every engine, with the machines' definitions as they are deployed. What a function does:

- `{"answer": value}`: it answers.
- `{"raise": name, "message": text}`: it throws.
- `{"refuse": name}`: the Lambda service refuses the call with this error.
- `{"success": value}`, `{"failure": name, "cause": text}`: it takes the call, and the token is used `after` so many
  seconds (0.5 unless told).
- `{"silence": true}`: it takes the call, and the token is never used.
- `beats` and `every`, beside one of those with a token: so many heartbeats before, one every so many seconds.

A list has what the first, second, … call does; the last goes on for ever. `rsql-invoke` has such a list for each
position, or for all (`*`). `$run` in a text is the run. `machine_timeout` gives the machine a `TimeoutSeconds`.
`unordered` says that jobs run at once, so that their events have no order. `expect` is how the execution ends, and
`most_open` how many jobs run at once at most, `refused` whether a token is used too late.
"""

import json
import pathlib
import threading

from support.paths import MACHINES

REGION, ACCOUNT = "us-east-1", "000000000000"
KINDS = ("master", "sequential", "parallel")
FUNCTIONS = ("master-iterator", "sequential-iterator", "parallel-load-check", "rsql-invoke", "update-audit")
AFTER = 0.5


def machine_arn(kind):
    """The ARN of a state machine of the deployment."""
    return f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:rsqlflow-{kind}"


def function_arn(name):
    """The ARN of a function of the deployment."""
    return f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:rsqlflow-{name}"


def definition(kind, timeout=None):
    """The definition of a state machine with its placeholders filled as in the deployment; optionally with a
    `TimeoutSeconds`, which the deployed ones do not have."""
    text = (MACHINES / f"{kind}.asl.json").read_text()
    values = {"Partition": "aws"}
    for name in FUNCTIONS:
        values["".join(part.capitalize() for part in name.split("-")) + "Arn"] = function_arn(name)
    for name in KINDS:
        values[f"{name.capitalize()}MachineArn"] = machine_arn(name)
    for name, value in values.items():
        text = text.replace(f"${{{name}}}", value)
    assert "${" not in text
    if timeout is None:
        return text
    return json.dumps({**json.loads(text), "TimeoutSeconds": timeout})


def load():
    """Every scenario of the directory, by name."""
    found = {}
    for file in sorted((pathlib.Path(__file__).resolve().parents[1] / "scenarios").glob("*.json")):
        for scenario in json.loads(file.read_text()):
            name = f"{file.stem}/{scenario['name']}"
            assert name not in found
            found[name] = scenario
    assert found
    return found


class Playing:
    """A running scenario: the calls so far."""

    def __init__(self, scenario, run):
        text = json.dumps(scenario).replace("$run", run)
        self.scenario, self.run = json.loads(text), run
        self.calls, self.counts, self.lock = [], {}, threading.Lock()
        self.open, self.most_open = 0, 0
        self.refused = False

    def act(self, function, payload, now):
        """The action of the function for this call."""
        acts = self.scenario["functions"][function]
        key = function
        if isinstance(acts, dict):
            position = str(payload["position"])
            key, acts = f"{function} {position}", acts.get(position) or acts["*"]
        with self.lock:
            count = self.counts.get(key, 0)
            self.counts[key] = count + 1
            self.calls.append({"function": function, "payload": payload, "at": now})
            act = acts[min(count, len(acts) - 1)]
            if token_is_used(act):
                self.open += 1
                self.most_open = max(self.most_open, self.open)
        return act

    def close(self):
        """Records that a token was used."""
        with self.lock:
            self.open -= 1


def token_is_used(act):
    """Whether the call succeeds and its token is used later."""
    return "success" in act or "failure" in act
