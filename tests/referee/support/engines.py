"""The engines that run scenarios: moto, MiniStack, and our own interpreter."""

import concurrent.futures
import contextlib
import io
import json
import subprocess
import sys
import urllib.request
import zipfile

from support.aws import Aws
from support.ministack import ministack
from support.paths import TARGET
from support.processes import answers, environment, eventually, free_port, running
from support.scenario import ACCOUNT, FUNCTIONS, KINDS, Playing, definition, function_arn, machine_arn
from support.stub import stub

ROLE = f"arn:aws:iam::{ACCOUNT}:role/rsqlflow"

# The timeout of a scenario.
SECONDS = 150


class Engine:
    """An engine with the three state machines."""

    def __init__(self, name, url, server):
        self.name, self.stub, self.aws = name, server, Aws(url)
        server.behind, server.sfn = url, self.aws.client("stepfunctions")
        for kind in KINDS:
            self.create(kind, definition(kind))

    def create(self, name, text):
        """A machine."""
        made = self.stub.sfn.create_state_machine(
            name=f"rsqlflow-{name}", definition=text, roleArn=ROLE, type="STANDARD"
        )
        assert made["stateMachineArn"] == machine_arn(name)

    def start(self, name, scenario):
        """Starts a scenario."""
        playing = Playing(scenario, f"{self.name}-{name.replace('/', '-')}")
        self.stub.playing[playing.run] = playing
        machine = scenario["machine"]
        if "machine_timeout" in scenario:
            machine = f"{machine}-{scenario['machine_timeout']}s"
            self.create(machine, definition(scenario["machine"], scenario["machine_timeout"]))
        started = self.stub.sfn.start_execution(
            stateMachineArn=machine_arn(machine),
            name=playing.run,
            input=json.dumps({"workflow_execution_id": playing.run, **playing.scenario["input"]}),
        )
        return playing, started["executionArn"]

    def play(self, name, scenario):
        """Runs a scenario to its end and returns the result."""
        playing, arn = self.start(name, scenario)
        self.aws.ended(arn, SECONDS)
        executions = {arn: self.look(arn)}
        for kind in ("sequential", "parallel") if scenario["machine"] == "master" else ():
            listed = self.stub.sfn.list_executions(stateMachineArn=machine_arn(kind))["executions"]
            for child in listed:
                if child["name"].startswith(f"{playing.run}-"):
                    executions[child["executionArn"]] = self.look(child["executionArn"])
        told = {"executions": executions, "calls": playing.calls}
        return {**told, "most_open": playing.most_open, "refused": playing.refused}

    def look(self, arn):
        """An execution and its history from the API."""
        described = self.stub.sfn.describe_execution(executionArn=arn)
        ended = {name: described.get(name) for name in ("status", "error", "cause", "output")}
        return {**ended, "events": json.loads(json.dumps(self.aws.history(arn), default=str))}

    def play_all(self, scenarios):
        """Runs scenarios at the same time, because they mostly wait. Returns their results or errors."""

        def one(name):
            try:
                return self.play(name, scenarios[name])
            except Exception as error:  # pylint: disable=broad-except
                return error

        with concurrent.futures.ThreadPoolExecutor(len(scenarios)) as pool:
            return dict(zip(scenarios, pool.map(one, scenarios)))


@contextlib.contextmanager
def moto_engine(folder):
    """The server of moto. It calls Lambda at the port `MOTO_PORT`, which is the port of the stub."""
    with stub() as server:
        port = free_port()
        url = f"http://127.0.0.1:{port}"
        env = environment(folder, MOTO_PORT=server.server_port, MOTO_ACCOUNT_ID=ACCOUNT)
        argv = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", port]
        with running("moto", argv, folder, env) as child:
            eventually("moto", lambda: answers(f"{url}/moto-api/"), alive=lambda: child.poll() is None)
            setting = json.dumps({"stepfunctions": {"execute_state_machine": True}}).encode()
            headers = {"Content-Type": "application/json"}
            request = urllib.request.Request(f"{url}/moto-api/config", setting, headers, method="POST")
            urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=30).close()
            yield Engine("moto", url, server)


# A function that asks the stub for its answer. It is an executable that uses the Runtime API, like our functions.
FORWARDER = """#!/usr/bin/env python3
import json, os, urllib.request

api = "http://" + os.environ["AWS_LAMBDA_RUNTIME_API"] + "/2018-06-01/runtime/invocation/"
opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

def ask(url, value=None, **headers):
    data = None if value is None else json.dumps(value).encode()
    return opener.open(urllib.request.Request(url, data, headers))

while True:
    event = ask(api + "next")
    call = api + event.headers["Lambda-Runtime-Aws-Request-Id"]
    act = json.load(ask(os.environ["STUB"] + "/call/" + os.environ["_HANDLER"], json.load(event)))
    if "raise" in act:
        error = {"errorType": act["raise"], "errorMessage": act["message"]}
        ask(call + "/error", error, **{"Lambda-Runtime-Function-Error-Type": act["raise"]}).close()
    else:
        ask(call + "/response", act.get("answer", {})).close()
"""


@contextlib.contextmanager
def ministack_engine(folder):
    """MiniStack, with functions that ask the stub."""
    with stub() as server, ministack(folder) as url:
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w") as files:
            entry = zipfile.ZipInfo("bootstrap")
            entry.external_attr = 0o755 << 16
            files.writestr(entry, FORWARDER)
        for name in FUNCTIONS:
            made = Aws(url).client("lambda").create_function(
                FunctionName=f"rsqlflow-{name}",
                Runtime="provided.al2023",
                Role=ROLE,
                Handler=name,
                Code={"ZipFile": archive.getvalue()},
                Environment={"Variables": {"STUB": server.url}},
                Timeout=60,
            )
            assert made["FunctionArn"] == function_arn(name)
        yield Engine("ministack", url, server)


class Interpreter:
    """Our own interpreter, in virtual time: `asl/examples/play.rs`."""

    name = "interpreter"

    def play(self, name, scenario):
        """Runs a scenario to its end and returns the result."""
        playing = Playing(scenario, f"{self.name}-{name.replace('/', '-')}")
        main, seconds = scenario["machine"], scenario.get("machine_timeout")
        machines = {kind: definition(kind, seconds if kind == main else None) for kind in KINDS}
        question = {
            "machines": {machine_arn(kind): json.loads(text) for kind, text in machines.items()},
            "main": machine_arn(main),
            "name": playing.run,
            "input": {"workflow_execution_id": playing.run, **playing.scenario["input"]},
            "functions": playing.scenario["functions"],
        }
        program = TARGET / "debug/examples/play"
        assert program.is_file(), f"{program} is missing: run `make build` first"
        done = subprocess.run(
            [program], input=json.dumps(question), capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def play_all(self, scenarios):
        """Runs scenarios."""
        return {name: self.play(name, scenario) for name, scenario in scenarios.items()}
