"""The deployment on MiniStack with `AUTH=true`: every call must be signed and allowed by a policy. The functions and the
agent have the roles of the templates."""

import json

import pytest
from botocore.exceptions import ClientError

from support.example import SECRET, make_secret, run_example
from support.ministack import deployed, instance_role


@pytest.fixture(scope="module")
def enforced(tmp_path_factory, nothing_left):
    """The deployment, with agents that have the role of their instance."""
    with deployed(tmp_path_factory.mktemp("auth"), auth=True, default_secret=SECRET) as found:
        make_secret(found.aws)
        role = instance_role(found)
        session = found.aws.client("sts").assume_role(RoleArn=role, RoleSessionName="i-local000000000001")
        keys = session["Credentials"]
        found.agents_get(
            AWS_ACCESS_KEY_ID=keys["AccessKeyId"],
            AWS_SECRET_ACCESS_KEY=keys["SecretAccessKey"],
            AWS_SESSION_TOKEN=keys["SessionToken"],
        )
        found.instance_role = role.rsplit("/", 1)[1]
        found.agent_keys = (keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"])
        yield found


def code(call, **request):
    """The error code of a call that is refused."""
    with pytest.raises(ClientError) as caught:
        call(**request)
    return caught.value.response["Error"]["Code"]


def test_it_is_enforced(enforced):
    """Without this the next tests would prove nothing."""
    stranger = enforced.as_caller("AKIAIOSFODNN7EXAMPLE", "wrong")
    table = {"TableName": "rsqlflow-config-table", "Key": {"workflow_id": {"S": "x"}}}
    assert code(stranger.client("dynamodb").get_item, **table) in ("UnrecognizedClientException", "InvalidClientTokenId")
    agent = enforced.as_caller(*enforced.agent_keys)
    assert "AccessDenied" in code(agent.client("dynamodb").get_item, **table), "the agent does not read workflows"
    logs = {"logGroupName": "/ops/rsql-logs/"}
    assert "AccessDenied" in code(agent.client("logs").delete_log_group, **logs)


def test_the_example(enforced, database):
    run_example(enforced, database)


def test_a_function_without_a_permission_is_refused(enforced):
    """The trigger without permission to read the config table reports this, and starts nothing."""
    iam, aws = enforced.aws.client("iam"), enforced.aws
    function = aws.client("lambda").get_function_configuration(FunctionName="rsqlflow-workflow-trigger")
    role = function["Role"].rsplit("/", 1)[1]
    (name,) = iam.list_role_policies(RoleName=role)["PolicyNames"]
    policy = iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]
    less = {
        **policy,
        "Statement": [one for one in policy["Statement"] if "config-table" not in json.dumps(one["Resource"])],
    }
    assert len(less["Statement"]) < len(policy["Statement"])
    iam.put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=json.dumps(less))
    try:
        answer = aws.client("lambda").invoke(
            FunctionName="rsqlflow-workflow-trigger", Payload=json.dumps({"workflow_id": "blog_test_workflow"})
        )
        told = json.load(answer["Payload"])
        assert "FunctionError" in answer and "AccessDenied" in told["errorMessage"], told
    finally:
        iam.put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=json.dumps(policy))


def test_a_job_whose_agent_may_not_write_logs_ends_all_the_same(enforced):
    """Its row says that the log is not complete."""
    iam, aws = enforced.aws.client("iam"), enforced.aws
    role = enforced.instance_role
    policy = iam.get_role_policy(RoleName=role, PolicyName="logs")["PolicyDocument"]
    iam.delete_role_policy(RoleName=role, PolicyName="logs")
    try:
        enforced.script("quiet.sh", "echo nobody reads this")
        stage = {"execution_type": "sequential", "scripts": ["quiet.sh"]}
        aws.put({"workflow_id": "quiet", "workflow_stages": [stage]})
        started = aws.trigger("quiet")
        assert aws.ended(started["execution_arn"])["status"] == "SUCCEEDED"
        (job,) = aws.jobs(started["workflow_execution_id"])
        assert (job["execution_status"], job["log_complete"]) == ("Completed", False)
    finally:
        iam.put_role_policy(RoleName=role, PolicyName="logs", PolicyDocument=json.dumps(policy))
