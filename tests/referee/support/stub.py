"""A server that replaces Lambda and answers as a scenario says.

An engine that calls Lambda by its API is given this server as its Lambda. All that is not Lambda it passes on to
`behind`. Functions of an engine that runs functions itself ask it by `POST /call/<function>`.
"""

import contextlib
import http.client
import json
import re
import threading
import time
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from support.scenario import AFTER, token_is_used

INVOKE = re.compile(r"/2015-03-31/functions/([^/]+)/invocations")
CALL = re.compile(r"/call/([a-z-]+)")


class Stub(ThreadingHTTPServer):
    """The server. `playing` has the scenarios under way by their run; `sfn` is where tokens are used."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, port=0):
        super().__init__(("127.0.0.1", port), Handler)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.playing, self.behind, self.sfn = {}, None, None
        # Errors of the stub. A test checks them; otherwise they would look like behavior of an engine.
        self.errors = []

    def handle_error(self, request, client_address):
        """Engines close connections when they end."""

    def call(self, function, payload):
        """The action for this call. Tokens are used from a separate thread."""
        playing = self.playing[payload["workflow_execution_id"]]
        act = playing.act(function, payload, time.monotonic())
        if token_is_used(act):
            threading.Thread(target=self.use_token, args=(playing, act, payload["task_token"]), daemon=True).start()
        return act

    def use_token(self, playing, act, token):
        """Heartbeats, then the result."""
        late = (self.sfn.exceptions.TaskTimedOut, self.sfn.exceptions.TaskDoesNotExist, self.sfn.exceptions.InvalidToken)
        try:
            for _ in range(act.get("beats", 0)):
                time.sleep(act["every"])
                self.sfn.send_task_heartbeat(taskToken=token)
            time.sleep(act.get("after", AFTER))
            playing.close()
            if "success" in act:
                self.sfn.send_task_success(taskToken=token, output=json.dumps(act["success"]))
            else:
                self.sfn.send_task_failure(taskToken=token, error=act["failure"], cause=act.get("cause", ""))
        except late:
            playing.refused = True
        except Exception as error:  # pylint: disable=broad-except
            self.errors.append(f"{playing.run}: {error!r}")


class Handler(BaseHTTPRequestHandler):
    """A request."""

    protocol_version = "HTTP/1.1"

    def log_message(self, format, *args):  # pylint: disable=redefined-builtin
        """No log lines."""

    def do_POST(self):  # pylint: disable=invalid-name
        """Every request of an engine."""
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path = urllib.parse.unquote(self.path)
        try:
            if found := INVOKE.fullmatch(path):
                self.invoke(found[1].rsplit(":", 1)[-1].removeprefix("rsqlflow-"), json.loads(body))
            elif found := CALL.fullmatch(path):
                self.answer(200, self.server.call(found[1], json.loads(body)))
            else:
                self.pass_on(body)
        except Exception as error:  # pylint: disable=broad-except
            self.server.errors.append(f"{path} {body[:300]!r}: {error!r}")
            self.answer(500, {"message": repr(error)})

    def invoke(self, function, payload):
        """Lambda's Invoke (API reference, Invoke)."""
        act = self.server.call(function, payload)
        if "refuse" in act:
            self.answer(429, {"message": "refused"}, {"x-amzn-ErrorType": act["refuse"]})
        elif "raise" in act:
            error = {"errorMessage": act["message"], "errorType": act["raise"]}
            self.answer(200, error, {"X-Amz-Function-Error": "Unhandled"})
        else:
            self.answer(200, act.get("answer", {}))

    def pass_on(self, body):
        """A call to the engine."""
        address = urllib.parse.urlsplit(self.server.behind)
        with contextlib.closing(http.client.HTTPConnection(address.hostname, address.port, timeout=60)) as there:
            there.request(self.command, self.path, body, dict(self.headers))
            told = there.getresponse()
            content = told.read()
        self.send_response(told.status)
        for name, value in told.getheaders():
            if name.lower() not in ("content-length", "transfer-encoding", "connection", "date", "server"):
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def answer(self, status, value, headers=None):
        """JSON."""
        content = json.dumps(value).encode()
        self.send_response(status)
        # Engines write the id of the request into their causes.
        usual = {"Content-Type": "application/json", "x-amzn-RequestId": "00000000-0000-0000-0000-000000000000"}
        for name, text in {**usual, **(headers or {})}.items():
            self.send_header(name, text)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


@contextlib.contextmanager
def stub():
    """A running stub."""
    with Stub() as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
