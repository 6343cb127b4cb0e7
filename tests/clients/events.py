"""A workflow that the event of a file's arrival starts, with boto3: the files of `examples/arrivals/`."""

import json
import pathlib
import shutil
import unittest

import boto3

from endpoint import (
    CONFIG,
    LOG_GROUP,
    SCRIPTS,
    TRIGGER,
    WORKFLOWS,
    client,
    eventually,
    workflow_row,
)

EXAMPLE = pathlib.Path(__file__).resolve().parents[2] / "examples/arrivals"
# What a shell, a JSON text and a table's expression would trip over.
HOSTILE = "in/$(touch pwned) `id` \"; 'quoted' \\ {{ ds }} <aws.events.event.json> #x*?é.csv"


def example(name):
    return json.loads((EXAMPLE / name).read_text(encoding="utf-8"))


def arrival(key, sequencer):
    """The example's invocation, with the event of another object."""
    request = example("invocation.json")
    request["event"]["detail"]["object"] |= {"key": key, "sequencer": sequencer}
    return request


def deliver(request):
    """As EventBridge does: asynchronously, so that Lambda's queue has it from here."""
    answer = client("lambda").invoke(FunctionName=TRIGGER, InvocationType="Event", Payload=json.dumps(request).encode())
    assert answer["StatusCode"] == 202, answer


def runs(workflow):
    page = boto3.resource("dynamodb").Table(WORKFLOWS).query(
        IndexName="workflow_id-index",
        KeyConditionExpression="workflow_id = :workflow",
        ExpressionAttributeValues={":workflow": workflow},
    )
    return [row["workflow_execution_id"] for row in page["Items"]]


def ask(event, start=None):
    """The function as the rule calls it, but waiting for its answer."""
    request = example("invocation.json") | {"event": event}
    request["start"] |= start or {}
    answer = client("lambda").invoke(FunctionName=TRIGGER, Payload=json.dumps(request).encode())
    return json.load(answer["Payload"])


class Events(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        shutil.copy(EXAMPLE / "scripts/load_file.sh", SCRIPTS)
        boto3.resource("dynamodb").Table(CONFIG).put_item(Item=example("workflow.json"))

    def ended(self, count):
        """Waits for so many runs that completed; their first lines."""
        found = eventually(f"{count} runs", lambda: (r := runs("load_arrival")) and len(r) >= count and r)
        for run in found:
            eventually(f"the end of {run}", lambda run=run: workflow_row(run)["execution_status"] != "Running")
            self.assertEqual(workflow_row(run)["execution_status"], "Completed")
        pages = client("logs").get_paginator("filter_log_events").paginate(logGroupName=LOG_GROUP)
        return found, [event["message"] for page in pages for event in page["events"]]

    def test_an_event_starts_one_run_however_often_it_comes(self):
        for event in ("first", "again"):
            request = example("invocation.json")
            request["event"]["id"] = event
            deliver(request)
        self.ended(1)
        # Written again, and another object whose name is a trap: runs of their own.
        deliver(arrival("in/sales-2026-11-21.csv", "00617F08299329D190"))
        deliver(arrival(HOSTILE, "00617F08299329D191"))
        found, lines = self.ended(3)
        self.assertEqual(
            sorted(lines), sorted([f"loading s3://landing/{HOSTILE}"] + ["loading s3://landing/in/sales-2026-11-21.csv"] * 2)
        )
        self.assertEqual(len(found), 3)
        self.assertFalse(list(SCRIPTS.rglob("pwned")))

        # The same object once more, long after.
        detail = example("invocation.json")["event"]["detail"]
        answer = ask({"id": "another", "detail": detail})
        self.assertEqual((answer["status"], answer["workflow_status"]), ("already_started", "Completed"))
        self.assertIn(answer["workflow_execution_id"], found)
        self.assertTrue(answer["workflow_execution_id"].startswith("arrivals_"))
        self.assertEqual(len(runs("load_arrival")), 3)

    def test_without_more_an_event_is_told_by_its_id(self):
        detail = {"bucket": {"name": "b"}, "object": {"key": "k"}}
        start = {"name": "by-id", "once_per": []}
        answers = [ask({"id": event, "detail": detail}, start) for event in ("1", "1", "2")]
        self.assertEqual([answer["status"] for answer in answers], ["started", "already_started", "started"])
        for answer in answers:
            run = answer["workflow_execution_id"]
            eventually(f"the end of {run}", lambda run=run: workflow_row(run)["execution_status"] == "Completed")

    def test_what_an_event_lacks_is_told_and_starts_nothing(self):
        before = runs("load_arrival")
        answer = ask({"id": "1", "detail": {"bucket": {"name": ["b"]}, "object": {"key": "a\nb"}}})
        self.assertEqual(answer["errorType"], "InvalidRequest")
        for place in ("start.once_per[2]: the event has no field $.detail.object.sequencer",
                      "start.parameters.bucket: the field $.detail.bucket.name of the event must be a string, a whole number or a boolean",
                      "start.parameters.key: the field $.detail.object.key of the event contains a control character"):
            self.assertIn(place, answer["errorMessage"])
        answer = ask({"id": "1", "detail": {}}, {"once_per": [], "parameters": {"kye": "x"}})
        self.assertEqual(answer["errorType"], "InvalidWorkflow")
        self.assertIn('did you mean "key"?', answer["errorMessage"])
        self.assertEqual(runs("load_arrival"), before)


if __name__ == "__main__":
    unittest.main()
