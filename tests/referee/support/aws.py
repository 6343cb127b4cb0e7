"""Access to a deployment as users have it: with boto3."""

import json

import boto3
from botocore.config import Config

from support.processes import REGION, eventually

ACCOUNT = "000000000000"
CONFIG = "rsqlflow-config-table"
WORKFLOWS = "rsqlflow-workflow-audit-table"
JOBS = "rsqlflow-job-audit-table"
TRIGGER = "rsqlflow-workflow-trigger"
LOG_GROUP = "/ops/rsql-logs/"

OPEN = "RUNNING"


class Aws:
    """The clients of one deployment and one caller."""

    def __init__(self, url, key="test", secret="test", token=None):
        self.url, self.key, self.secret = url, key, secret
        # A separate session, so that the environment and the files of the caller are not used.
        self.session = boto3.session.Session(
            aws_access_key_id=key, aws_secret_access_key=secret, aws_session_token=token, region_name=REGION
        )
        self.clients = {}

    def client(self, service):
        """The client of a service."""
        if service not in self.clients:
            config = Config(retries={"total_max_attempts": 2}, read_timeout=120, max_pool_connections=32)
            self.clients[service] = self.session.client(service, endpoint_url=self.url, config=config)
        return self.clients[service]

    def table(self, name):
        """A table with plain values."""
        return self.session.resource("dynamodb", endpoint_url=self.url).Table(name)

    def put(self, workflow):
        """Writes a workflow item."""
        self.table(CONFIG).put_item(Item=workflow)

    def trigger(self, workflow_id, **more):
        """Starts a workflow; returns the run and its execution."""
        request = json.dumps({"workflow_id": workflow_id, **more})
        answer = self.client("lambda").invoke(FunctionName=TRIGGER, Payload=request)
        payload = json.load(answer["Payload"])
        assert "FunctionError" not in answer, payload
        return payload

    def refused(self, workflow_id, **more):
        """The error with which the trigger refuses to start a workflow."""
        request = json.dumps({"workflow_id": workflow_id, **more})
        answer = self.client("lambda").invoke(FunctionName=TRIGGER, Payload=request)
        payload = json.load(answer["Payload"])
        assert "FunctionError" in answer, payload
        return payload["errorType"]

    def ended(self, arn, seconds=120):
        """Waits until an execution ends, and describes it."""
        sfn = self.client("stepfunctions")

        def check():
            described = sfn.describe_execution(executionArn=arn)
            return described if described["status"] != OPEN else None

        return eventually(f"the end of {arn}", check, seconds)

    def history(self, arn):
        """Every event of an execution."""
        pages = self.client("stepfunctions").get_paginator("get_execution_history").paginate(executionArn=arn)
        return [event for page in pages for event in page["events"]]

    def executions(self, kind, run):
        """Names of the executions of a state machine that belong to a run."""
        machine = f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:rsqlflow-{kind}"
        pages = self.client("stepfunctions").get_paginator("list_executions").paginate(stateMachineArn=machine)
        return sorted(one["name"] for page in pages for one in page["executions"] if one["name"].startswith(run))

    def jobs(self, run):
        """The rows of the jobs of a run, in plan order."""
        rows, more = [], {}
        while True:
            page = self.table(JOBS).query(
                KeyConditionExpression="workflow_execution_id = :run AND begins_with(job_id, :stage)",
                ExpressionAttributeValues={":run": run, ":stage": "0"},
                ConsistentRead=True,
                **more,
            )
            rows += page["Items"]
            if "LastEvaluatedKey" not in page:
                return rows
            more = {"ExclusiveStartKey": page["LastEvaluatedKey"]}

    def workflow(self, run):
        """The row of a run."""
        found = self.table(WORKFLOWS).get_item(Key={"workflow_execution_id": run}, ConsistentRead=True)
        return found.get("Item")

    def log_lines(self, row):
        """The output of a script, from CloudWatch Logs."""
        pages = self.client("logs").get_paginator("filter_log_events").paginate(
            logGroupName=row["log_group"], logStreamNames=[row["log_stream"]]
        )
        return [event["message"] for page in pages for event in page["events"]]


def execution_arn(machine, name):
    """The ARN of an execution."""
    return f"arn:aws:states:{REGION}:{ACCOUNT}:execution:{machine}:{name}"
