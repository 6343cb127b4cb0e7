"""The six-script example, which both deployments run."""

import json
import shutil
import subprocess

from support.aws import LOG_GROUP, execution_arn
from support.paths import EXAMPLES, program
from support.processes import environment

SECRET = "rsqlflow-demo"
NAMES = [f"rsql_blog_script_{number}.sh" for number in range(1, 7)]


def make_secret(aws):
    """The default secret of the deployment. Every job reads it; only the scripts of the example use it."""
    nobody = {"host": "127.0.0.1", "port": 1, "username": "nobody", "password": "none", "dbname": "none"}
    aws.client("secretsmanager").create_secret(Name=SECRET, SecretString=json.dumps(nobody))


def run_example(deployment, credentials):
    """Starts the example with the AWS CLI, as in docs/deploy.md, and checks everything with boto3."""
    aws = deployment.aws
    for name in NAMES:
        shutil.copy(EXAMPLES / "blog/scripts" / name, deployment.scripts / name)
    aws.client("secretsmanager").put_secret_value(SecretId=SECRET, SecretString=json.dumps(credentials))
    deployment.cli_put(json.loads((EXAMPLES / "blog/workflow.json").read_text()))
    started = deployment.cli_trigger("blog_test_workflow")
    run, arn = started["workflow_execution_id"], started["execution_arn"]
    assert arn == execution_arn("rsqlflow-master", run)

    ended = aws.ended(arn)
    jobs = aws.jobs(run)
    assert ended["status"] == "SUCCEEDED", (ended, jobs)
    row = aws.workflow(run)
    assert (row["execution_status"], row["workflow_id"]) == ("Completed", "blog_test_workflow")
    assert row["state_machine_execution_arn"] == arn
    assert row["execution_start_ts"] < row["execution_end_ts"]
    assert row["rsql_jobs"] == NAMES
    assert [job["job_name"] for job in jobs] == NAMES
    for job in jobs:
        assert job["execution_status"] == "Completed"
        assert (job["attempt"], job["exit_code"], job["log_group"]) == (1, 0, LOG_GROUP)
        assert job["instance_id"] == "i-local000000000001"
        assert job["log_complete"] is True
    for job in jobs[2:]:
        assert any("rows inserted: 1" in line for line in aws.log_lines(job)), job
    # A stage starts after the previous one ended.
    ends = [max(job["execution_end_ts"] for job in jobs[i : i + 2]) for i in (0, 2)]
    starts = [min(job["execution_start_ts"] for job in jobs[i : i + 2]) for i in (2, 4)]
    assert ends[0] <= starts[0] and ends[1] <= starts[1]
    assert rows(deployment, credentials) == [f"{n}|rsql_blog_script_{n + 2}.sh" for n in range(1, 5)]

    # Each job had an SSM command on the other endpoint.
    pages = deployment.ssm.client("ssm").get_paginator("list_command_invocations").paginate()
    sent = {one["CommandId"]: one["Status"] for page in pages for one in page["CommandInvocations"]}
    assert [sent[job["ssm_command_id"]] for job in jobs] == ["Success"] * 6
    # The lock is released.
    assert aws.workflow("lock#blog_test_workflow") is None
    machines = {kind: aws.executions(kind, run) for kind in ("master", "sequential", "parallel")}
    assert machines == {
        "master": [run],
        "sequential": [f"{run}-s0000-c000"],
        "parallel": [f"{run}-s0001-c000", f"{run}-s0002-c000"],
    }


def rows(deployment, credentials):
    """The rows that the scripts inserted."""
    query = "SELECT order_id || '|' || loaded_by FROM blog_test.orders ORDER BY order_id"
    place = ["-h", credentials["host"], "-p", str(credentials["port"]), "-U", credentials["username"]]
    done = subprocess.run(
        [program("rsql"), "-q", "-t", *place, "-d", credentials["dbname"], "-c", query],
        env=environment(deployment.folder, RSPASSWORD=credentials["password"]),
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return [line.strip() for line in done.stdout.splitlines() if "|" in line]
