"""The deployment runs on MiniStack: its templates, its package, its machines, its tables, and the real agent."""

import json

from support.aws import LOG_GROUP, execution_arn
from support.paths import EXAMPLES


def statuses(rows):
    """What became of each job."""
    return [row["execution_status"] for row in rows]


def stage(kind, scripts, **more):
    """A stage."""
    return {"execution_type": kind, "scripts": scripts, **more}


def test_the_example_by_the_aws_cli(deployment):
    """As docs/deploy.md has it: put with the AWS CLI, triggered with the AWS CLI, looked at with boto3."""
    names = [f"rsql_blog_script_{number}.sh" for number in range(1, 7)]
    for name in names:
        deployment.script(name, f'echo "$RSQLFLOW_JOB_NAME in $RSQLFLOW_WORKFLOW_EXECUTION_ID"; echo "to stderr" >&2')
    deployment.cli_put(json.loads((EXAMPLES / "blog/workflow.json").read_text()))
    started = deployment.cli_trigger("blog_test_workflow")
    run, arn = started["workflow_execution_id"], started["execution_arn"]
    assert arn == execution_arn("rsqlflow-master", run)

    aws = deployment.aws
    ended = aws.ended(arn)
    assert ended["status"] == "SUCCEEDED", ended
    row = aws.workflow(run)
    assert (row["execution_status"], row["workflow_id"]) == ("Completed", "blog_test_workflow")
    assert row["state_machine_execution_arn"] == arn
    assert row["execution_start_ts"] < row["execution_end_ts"]
    assert row["rsql_jobs"] == names
    jobs = aws.jobs(run)
    assert [job["job_name"] for job in jobs] == names
    assert statuses(jobs) == ["Completed"] * 6
    for job in jobs:
        assert (job["attempt"], job["exit_code"], job["log_group"]) == (1, 0, LOG_GROUP)
        assert job["log_complete"] is True
        assert sorted(aws.log_lines(job)) == [f"{job['job_name']} in {run}", "to stderr"]
        assert job["instance_id"] == "i-local000000000001"
    # A stage begins when the one before has ended.
    ends = [max(job["execution_end_ts"] for job in jobs[i : i + 2]) for i in (0, 2)]
    starts = [min(job["execution_start_ts"] for job in jobs[i : i + 2]) for i in (2, 4)]
    assert ends[0] <= starts[0] and ends[1] <= starts[1]

    # Each by a command of SSM, which was asked on the other endpoint.
    pages = deployment.ssm.client("ssm").get_paginator("list_command_invocations").paginate()
    sent = {one["CommandId"]: one["Status"] for page in pages for one in page["CommandInvocations"]}
    assert {sent[job["ssm_command_id"]] for job in jobs} == {"Success"}
    # The lock is given back.
    assert aws.workflow("lock#blog_test_workflow") is None

    listed = [
        one["name"]
        for kind in ("master", "sequential", "parallel")
        for one in aws.client("stepfunctions").list_executions(
            stateMachineArn=f"arn:aws:states:us-east-1:000000000000:stateMachine:rsqlflow-{kind}"
        )["executions"]
        if one["name"].startswith(run)
    ]
    assert sorted(listed) == [run, f"{run}-s0000-c000", f"{run}-s0001-c000", f"{run}-s0002-c000"]
