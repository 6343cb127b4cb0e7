"""What the tests with boto3 share: the endpoint that the environment names, its deployment, and a workflow or two."""

import json
import os
import pathlib
import time

import boto3

SCRIPTS = pathlib.Path(os.environ["RSQLFLOW_TEST_SCRIPTS"])
REGION = "us-east-1"
ACCOUNT = "000000000000"

CONFIG = "rsqlflow-config-table"
WORKFLOWS = "rsqlflow-workflow-audit-table"
JOBS = "rsqlflow-job-audit-table"
TRIGGER = "rsqlflow-workflow-trigger"
DOCUMENT = "rsqlflow-run-job"
LOG_GROUP = "/ops/rsql-logs/"

PASS = json.dumps({"StartAt": "Done", "States": {"Done": {"Type": "Pass", "End": True}}})
# Longer than any test: an execution of it is running until it is stopped.
WAIT = json.dumps({"StartAt": "Wait", "States": {"Wait": {"Type": "Wait", "Seconds": 3600, "End": True}}})


def client(service, **options):
    return boto3.client(service, **options)


def machine_arn(name):
    return f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:{name}"


def execution_arn(machine, name):
    return f"arn:aws:states:{REGION}:{ACCOUNT}:execution:{machine}:{name}"


def create_machine(name, definition, role="test"):
    role_arn = f"arn:aws:iam::{ACCOUNT}:role/{role}"
    created = client("stepfunctions").create_state_machine(name=name, definition=definition, roleArn=role_arn)
    return created["stateMachineArn"]


def script(name, body):
    path = SCRIPTS / name
    path.write_text(f"#!/usr/bin/env bash\n{body}\n")
    path.chmod(0o755)


def put_workflow(workflow_id, scripts, execution_type="sequential", **more):
    """With the resource interface, which turns plain values into DynamoDB's."""
    stages = [{"execution_type": execution_type, "scripts": scripts}]
    boto3.resource("dynamodb").Table(CONFIG).put_item(
        Item={"workflow_id": workflow_id, "workflow_stages": stages, **more}
    )


def trigger(workflow_id):
    """Starts a workflow; the answer names the run and its execution."""
    request = json.dumps({"workflow_id": workflow_id}).encode()
    answer = client("lambda").invoke(FunctionName=TRIGGER, Payload=request)
    payload = json.load(answer["Payload"])
    assert "FunctionError" not in answer, payload
    return payload


def eventually(what, check, seconds=60):
    """Asks until there is an answer."""
    deadline = time.monotonic() + seconds
    while not (answer := check()):
        assert time.monotonic() < deadline, f"{what}: not within {seconds} s"
        time.sleep(0.05)
    return answer


def ended(arn):
    """Waits for an execution's end, and describes it."""
    sfn = client("stepfunctions")

    def check():
        described = sfn.describe_execution(executionArn=arn)
        return described if described["status"] != "RUNNING" else None

    return eventually(f"the end of {arn}", check)


def job_rows(run):
    rows = boto3.resource("dynamodb").Table(JOBS).query(
        KeyConditionExpression="workflow_execution_id = :run AND begins_with(job_id, :stage)",
        ExpressionAttributeValues={":run": run, ":stage": "0"},
        ConsistentRead=True,
    )
    return rows["Items"]


def workflow_row(run):
    table = boto3.resource("dynamodb").Table(WORKFLOWS)
    return table.get_item(Key={"workflow_execution_id": run}, ConsistentRead=True)["Item"]
