"""The deployment on MiniStack: templates, package, state machines, tables, and the real agent."""

from support.example import run_example


def statuses(rows):
    """The status of each job."""
    return [row["execution_status"] for row in rows]


def stage(kind, scripts, **more):
    """A stage."""
    return {"execution_type": kind, "scripts": scripts, **more}


def test_the_example(deployment, database):
    run_example(deployment, database)


def test_a_job_fails_and_so_does_its_workflow(deployment):
    aws = deployment.aws
    deployment.script("good.sh", "echo good")
    deployment.script("bad.sh", "echo 'on its way'; echo 'disk is full' >&2; exit 3")
    deployment.script("never.sh", "echo never")
    stages = [stage("parallel", ["good.sh", "bad.sh", "good.sh"]), stage("sequential", ["never.sh"])]
    aws.put({"workflow_id": "failing", "workflow_stages": stages})
    started = aws.trigger("failing")
    run = started["workflow_execution_id"]
    ended = aws.ended(started["execution_arn"])
    assert (ended["status"], ended["error"]) == ("FAILED", "WorkflowFailed")

    row = aws.workflow(run)
    assert row["execution_status"] == "Failed"
    assert "bad.sh" in row["error_message"], row["error_message"]
    jobs = aws.jobs(run)
    assert statuses(jobs[:3]) == ["Completed", "Failed", "Completed"]
    assert all(status in ("Cancelled", "Skipped") for status in statuses(jobs[3:]))
    bad = jobs[1]
    assert (bad["exit_code"], bad["attempt"]) == (3, 1)
    assert sorted(aws.log_lines(bad)) == ["disk is full", "on its way"]
    assert aws.workflow("lock#failing") is None
    assert aws.executions("sequential", run) == [], "the second stage does not begin"


def test_a_workflow_of_200_scripts(deployment):
    aws = deployment.aws
    deployment.script("one_of_many.sh", 'echo "$RSQLFLOW_JOB_ID"')
    # In stages of 20: MiniStack starts a process for each call of a stage at once, and waits forever for those that a
    # busy machine does not start in time.
    aws.put({"workflow_id": "many", "workflow_stages": [stage("parallel", ["one_of_many.sh"] * 20)] * 10})
    started = aws.trigger("many")
    run = started["workflow_execution_id"]
    ended = aws.ended(started["execution_arn"], 420)
    assert ended["status"] == "SUCCEEDED", ended
    jobs = aws.jobs(run)
    assert statuses(jobs) == ["Completed"] * 200
    assert [job["attempt"] for job in jobs] == [1] * 200, "each was started once"
    assert [aws.log_lines(job) for job in jobs[::20]] == [[job["job_id"]] for job in jobs[::20]]
    assert aws.workflow(run)["execution_status"] == "Completed"


def test_one_run_at_a_time_and_one_execution_a_name(deployment):
    aws = deployment.aws
    go = deployment.folder / "go"
    deployment.script("waits.sh", f'until [ -e "{go}" ]; do sleep 0.1; done')
    aws.put({"workflow_id": "single", "workflow_stages": [stage("sequential", ["waits.sh"])]})
    first = aws.trigger("single", workflow_execution_id="single-1")
    again = aws.trigger("single", workflow_execution_id="single-1")
    assert first["execution_arn"] == again["execution_arn"]
    refused = aws.refused("single", workflow_execution_id="single-2")
    assert refused == "WorkflowAlreadyRunning", refused
    go.touch()
    assert aws.ended(first["execution_arn"])["status"] == "SUCCEEDED"
    assert [job["attempt"] for job in aws.jobs("single-1")] == [1]
    assert aws.ended(aws.trigger("single", workflow_execution_id="single-2")["execution_arn"])["status"] == "SUCCEEDED"


def test_deployed_twice_nothing_changes(deployment):
    """A second deployment makes no changes."""
    before = deployment.stacks()
    deployment.deploy()
    assert deployment.stacks() == before
