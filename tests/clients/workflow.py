"""A workflow from its item to its log, and one that is stopped, with boto3."""

import json
import os
import unittest

import boto3

from endpoint import (
    LOG_GROUP,
    WORKFLOWS,
    client,
    ended,
    eventually,
    execution_arn,
    job_rows,
    machine_arn,
    put_workflow,
    script,
    trigger,
    workflow_row,
)


def tail(logs, enough):
    """As `aws logs tail --follow`: asks again from the newest moment on, and drops what it has seen."""
    request = {"logGroupName": LOG_GROUP, "interleaved": True, "startTime": 0}
    seen, messages = set(), []

    def poll():
        page = logs.filter_log_events(**request)
        for event in page["events"]:
            if event["eventId"] not in seen:
                seen.add(event["eventId"])
                messages.append(event["message"])
                request["startTime"] = max(request["startTime"], event["timestamp"])
        request.pop("nextToken", None)
        if "nextToken" in page:
            request["nextToken"] = page["nextToken"]
        return enough(messages)

    eventually("the log's lines", poll)
    return messages


class Workflow(unittest.TestCase):
    def test_from_the_item_to_the_log(self):
        for number in (1, 2, 3):
            script(f"py{number}.sh", f"echo this is script {number}")
        put_workflow("py", ["py1.sh", "py2.sh", "py3.sh"], "parallel")
        started = trigger("py")
        run, arn = started["workflow_execution_id"], started["execution_arn"]

        described = ended(arn)
        self.assertEqual(described["status"], "SUCCEEDED")
        self.assertEqual(json.loads(described["input"])["workflow_id"], "py")
        self.assertLess(described["startDate"], described["stopDate"])

        rows = job_rows(run)
        self.assertEqual([row["job_name"] for row in rows], ["py1.sh", "py2.sh", "py3.sh"])
        self.assertEqual({row["execution_status"] for row in rows}, {"Completed"})
        self.assertEqual({row["exit_code"] for row in rows}, {0})
        self.assertEqual(workflow_row(run)["execution_status"], "Completed")

        logs = client("logs")
        for number, row in enumerate(rows, 1):
            events = logs.get_log_events(
                logGroupName=LOG_GROUP, logStreamName=row["log_stream"], startFromHead=True
            )["events"]
            self.assertEqual([event["message"] for event in events], [f"this is script {number}"])
        found = logs.filter_log_events(
            logGroupName=LOG_GROUP, logStreamNamePrefix=f"{run}/", filterPattern='"script 2"'
        )["events"]
        self.assertEqual([event["message"] for event in found], ["this is script 2"])

    def test_runs_of_a_workflow_are_found_by_the_index(self):
        script("indexed.sh", "exit 0")
        put_workflow("indexed", ["indexed.sh"])
        runs = []
        for _ in range(3):
            started = trigger("indexed")
            ended(started["execution_arn"])
            runs.append(started["workflow_execution_id"])
        page = boto3.resource("dynamodb").Table(WORKFLOWS).query(
            IndexName="workflow_id-index",
            KeyConditionExpression="workflow_id = :workflow",
            ExpressionAttributeValues={":workflow": "indexed"},
            ScanIndexForward=False,
        )
        self.assertEqual([row["workflow_execution_id"] for row in page["Items"]], runs[::-1])

    def test_a_failure_says_why_wherever_one_looks(self):
        script("fails.sh", "echo 'ERROR:  no such table'; exit 3")
        put_workflow("fails", ["fails.sh"])
        started = trigger("fails")
        described = ended(started["execution_arn"])
        self.assertEqual(described["status"], "FAILED")
        self.assertIn("fails.sh", described["cause"])
        [row] = job_rows(started["workflow_execution_id"])
        self.assertEqual((row["execution_status"], row["exit_code"]), ("Failed", 3))
        self.assertIn("no such table", row["error_message"])
        self.assertEqual(workflow_row(started["workflow_execution_id"])["execution_status"], "Failed")

    def test_a_log_is_followed_while_it_is_written(self):
        gate = os.path.join(os.environ["HOME"], "follow-go")
        script("follow.sh", f"echo followed 1; until [[ -e '{gate}' ]]; do sleep 0.02; done; echo followed 2")
        put_workflow("follow", ["follow.sh"])
        started = trigger("follow")

        def enough(messages):
            if "followed 1" in messages and not os.path.exists(gate):
                self.assertNotIn("followed 2", messages)
                with open(gate, "w", encoding="utf-8"):
                    pass
            return "followed 2" in messages

        messages = tail(client("logs"), enough)
        self.assertEqual([m for m in messages if m.startswith("followed")], ["followed 1", "followed 2"])
        self.assertEqual(ended(started["execution_arn"])["status"], "SUCCEEDED")

    def test_a_stopped_execution_leaves_nothing_running(self):
        pid_file = os.path.join(os.environ["HOME"], "stopped-pid")
        script("stopped.sh", f"echo $$ > '{pid_file}.new'; mv '{pid_file}.new' '{pid_file}'; exec sleep 3600")
        put_workflow("stopped", ["stopped.sh", "stopped.sh"], defaults={"heartbeat": 6})
        started = trigger("stopped")
        eventually("the script's start", lambda: os.path.exists(pid_file))
        with open(pid_file, encoding="utf-8") as file:
            process = f"/proc/{file.read().strip()}"
        self.assertTrue(os.path.exists(process))

        sfn = client("stepfunctions")
        sfn.stop_execution(executionArn=started["execution_arn"], error="Operator", cause="enough for today")
        described = ended(started["execution_arn"])
        self.assertEqual(described["status"], "ABORTED")
        self.assertEqual((described["error"], described["cause"]), ("Operator", "enough for today"))

        run = started["workflow_execution_id"]
        eventually("the run's row closed", lambda: workflow_row(run)["execution_status"] != "Running")
        self.assertFalse(os.path.exists(process), "the script outlived its row")
        self.assertEqual({row["execution_status"] for row in job_rows(run)}, {"Cancelled"})
        self.assertEqual(workflow_row(run)["execution_status"], "Cancelled")
        child = ended(execution_arn("rsqlflow-sequential", f"{run}-s0000-c000"))
        self.assertEqual(child["status"], "ABORTED")
        aborted = sfn.list_executions(
            stateMachineArn=machine_arn("rsqlflow-master"), statusFilter="ABORTED"
        )["executions"]
        self.assertEqual([execution["name"] for execution in aborted], [run])


if __name__ == "__main__":
    unittest.main()
