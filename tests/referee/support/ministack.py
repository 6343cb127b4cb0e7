"""MiniStack with the deployment, and the embedded endpoint for SSM only."""

import contextlib
import json
import re
import shlex
import sys

from support.aws import ACCOUNT, LOG_GROUP, Aws
from support.package import lambda_zip
from support.paths import CDK, program
from support.processes import REGION, answers, environment, eventually, free_port, run, running

# The key of the account. With AUTH=true it is the root key, which MiniStack reads from its environment.
ROOT = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}

TARGET_TAGS = {"tags": {"Role": "etl"}}

# The default times of a deployment on AWS (`core/src/timing.rs`), for the embedded endpoint and its agents.
TIMES = {
    "RSQLFLOW_LAMBDA_TIMEOUT": "20s",
    "RSQLFLOW_SSM_DELIVERY": "30s",
    "RSQLFLOW_AGENT_START": "5s",
    "RSQLFLOW_QUEUEING": "24h",
}


@contextlib.contextmanager
def ministack(folder, auth=False):
    """An empty MiniStack. Returns its address."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    env = environment(
        folder,
        **ROOT,
        BIND_HOST="127.0.0.1",
        GATEWAY_PORT=port,
        # Functions inherit it.
        AWS_ENDPOINT_URL=url,
        AUTH=str(auth).lower(),
        LOG_LEVEL="INFO",
        TMPDIR=folder,
        # HTTP only: the other servers would listen on more ports.
        SFTP_ENABLED="false",
        IOT_MTLS_ENABLED="false",
    )
    with running("ministack", [sys.executable, "-m", "ministack"], folder, env) as child:
        eventually("MiniStack", lambda: answers(f"{url}/_ministack/health"), 60, alive=lambda: child.poll() is None)
        yield url


def write_agent(folder, variables):
    """The agent of the simulated instances: the real agent, with the credentials and the endpoint of an instance."""
    agent = folder / "agent"
    exports = "".join(f"export {name}={shlex.quote(value)}\n" for name, value in variables.items())
    agent.write_text(f"#!/bin/sh\n{exports}exec {shlex.quote(str(program('rsqlflow-agent')))} \"$@\"\n")
    agent.chmod(0o755)
    return agent


@contextlib.contextmanager
def ssm(folder, scripts, agent):
    """`rsqlflow local`. Only its SSM is used, by functions that have the keys of MiniStack."""
    env = environment(folder, RSQLFLOW_AGENT=agent, RSQLFLOW_DEFAULT_TARGET=json.dumps(TARGET_TAGS), **TIMES)
    argv = [program("rsqlflow"), "local", "--no-auth", "--port", "0"]
    argv += ["--scripts", scripts, "--state-dir", folder / "state"]
    with running("ssm", argv, folder, env) as child:
        yield eventually("the endpoint", lambda: address(child.log), alive=lambda: child.poll() is None)


def address(log):
    """The output of the endpoint when it is ready."""
    found = re.search(r"^export AWS_ENDPOINT_URL=(\S+) .*\n", log.read_text(), re.MULTILINE)
    return found and found[1]


def cdk(folder, url, config, *arguments):
    """Runs the CDK command line with the real app."""
    env = environment(
        folder,
        **ROOT,
        AWS_ENDPOINT_URL=url,
        CDK_DISABLE_VERSION_CHECK="1",
        CDK_DEFAULT_REGION="us-east-1",
        CI="1",
        NO_COLOR="1",
    )
    argv = [CDK / "node_modules/.bin/cdk", *arguments, "--output", folder / "cdk.out", "--no-notices"]
    return run([*argv, "-c", f"rsqlflow={json.dumps(config)}"], CDK, env)


class Deployment:
    """The app, deployed on MiniStack."""

    def __init__(self, url, ssm_url, folder, settings):
        self.url, self.folder, self.settings = url, folder, settings
        self.scripts = folder / "scripts"
        self.aws = Aws(url)
        self.ssm = Aws(ssm_url)

    def deploy(self):
        """Runs `cdk deploy` in a bootstrapped account."""
        cdk(self.folder, self.url, self.settings, "deploy", *STACKS, "--require-approval", "never")

    def stacks(self):
        """The last change and the resources of each stack."""
        cloudformation = self.aws.client("cloudformation")
        found = {}
        for name in STACKS:
            (stack,) = cloudformation.describe_stacks(StackName=name)["Stacks"]
            resources = cloudformation.describe_stack_resources(StackName=name)["StackResources"]
            ids = sorted((one["LogicalResourceId"], one["PhysicalResourceId"]) for one in resources)
            found[name] = (stack["StackStatus"], str(stack.get("LastUpdatedTime")), ids)
        return found

    def as_caller(self, *keys):
        """The same deployment with other credentials."""
        return Aws(self.url, *keys)

    def script(self, name, body):
        """Writes a script to the script directory of the instance."""
        path = self.scripts / name
        path.write_text(f"#!/usr/bin/env bash\n{body}\n")
        path.chmod(0o755)

    def agents_get(self, **variables):
        """Agents that start from now on use these credentials."""
        write_agent(self.folder, {"AWS_ENDPOINT_URL": self.url, **variables})

    def cli(self, *arguments):
        """The output of an AWS CLI command."""
        env = environment(self.folder, **ROOT, AWS_ENDPOINT_URL=self.url)
        said = run(["aws", "--output", "json", *arguments], self.folder, env)
        return json.loads(said) if said.strip() else None

    def cli_put(self, workflow):
        """Writes a workflow item with the AWS CLI, as docs/deploy.md does it."""
        item = self.folder / "item.json"
        item.write_text(json.dumps(attribute(workflow)["M"]))
        self.cli("dynamodb", "put-item", "--table-name", "rsqlflow-config-table", "--item", f"file://{item}")

    def cli_trigger(self, workflow_id):
        """Starts a workflow with the AWS CLI; returns the answer of the trigger."""
        request, answer = self.folder / "request.json", self.folder / "answer.json"
        request.write_text(json.dumps({"workflow_id": workflow_id}))
        call = ["lambda", "invoke", "--function-name", "rsqlflow-workflow-trigger"]
        told = self.cli(*call, "--payload", f"fileb://{request}", str(answer))
        payload = json.loads(answer.read_text())
        assert "FunctionError" not in told, payload
        return payload


def attribute(value):
    """A value in the format of DynamoDB."""
    if isinstance(value, bool):
        return {"BOOL": value}
    if isinstance(value, (int, float)):
        return {"N": str(value)}
    if isinstance(value, list):
        return {"L": [attribute(one) for one in value]}
    if isinstance(value, dict):
        return {"M": {key: attribute(one) for key, one in value.items()}}
    return {"S": value}


STACKS = ("rsqlflow-data", "rsqlflow-orchestration", "rsqlflow-schedules")


def configuration(ssm_url, zip_file, **more):
    """The configuration of the deployment. docs/referees.md explains what is left out."""
    return {
        "synthesizer": "credentials",
        "default_target": TARGET_TAGS,
        # CloudWatch of MiniStack has no metric math.
        "alarms": False,
        "lambda_zip": str(zip_file),
        "agent_rpm": False,
        "agent_deb": False,
        "function_environment": {"AWS_ENDPOINT_URL_SSM": ssm_url},
        **more,
    }


@contextlib.contextmanager
def deployed(folder, auth=False, **config):
    """The app, deployed with this configuration."""
    scripts = folder / "scripts"
    scripts.mkdir()
    with ministack(folder, auth) as url:
        agent = write_agent(folder, {"AWS_ENDPOINT_URL": url, **ROOT})
        with ssm(folder, scripts, agent) as ssm_url:
            settings = configuration(ssm_url, lambda_zip(folder), **config)
            # With an explicit environment, bootstrap needs no app.
            cdk(folder, url, settings, "bootstrap", f"aws://{ACCOUNT}/{REGION}")
            found = Deployment(url, ssm_url, folder, settings)
            found.deploy()
            yield found


def instance_role(deployment):
    """The role of instances in the fleet template, without the rest of the template. Returns its ARN.

    EC2 provides the credentials of the role to an instance. Here the account assumes the role, so the account is allowed
    to. MiniStack needs other resources for calls with a task token and for log streams: see docs/referees.md.
    """
    template = json.loads((deployment.folder / "cdk.out/rsqlflow-fleet.template.json").read_text())
    resources = {
        name: one
        for name, one in template["Resources"].items()
        if one["Type"] in ("AWS::IAM::Role", "AWS::IAM::ManagedPolicy", "AWS::IAM::Policy")
    }
    (role,) = (name for name, one in resources.items() if one["Type"] == "AWS::IAM::Role")
    may = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}}
    resources[role]["Properties"]["AssumeRolePolicyDocument"]["Statement"].append(may)
    calls = [f"states:SendTask{what}" for what in ("Success", "Failure", "Heartbeat")]
    group = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{LOG_GROUP}"
    lines = ["logs:CreateLogStream", "logs:PutLogEvents"]
    for name, actions, resource in (("tokens", calls, "*"), ("logs", lines, group)):
        document = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": actions, "Resource": resource}]}
        resources[role]["Properties"]["Policies"].append({"PolicyName": name, "PolicyDocument": document})
    text = json.dumps({"Resources": resources, "Outputs": {"Role": {"Value": {"Fn::GetAtt": [role, "Arn"]}}}})
    cloudformation = deployment.aws.client("cloudformation")
    cloudformation.create_stack(StackName="instance", TemplateBody=text, Capabilities=["CAPABILITY_IAM"])

    def made():
        (stack,) = cloudformation.describe_stacks(StackName="instance")["Stacks"]
        return stack if not stack["StackStatus"].endswith("_IN_PROGRESS") else None

    stack = eventually("the instances' role", made)
    assert stack["StackStatus"] == "CREATE_COMPLETE", stack
    return stack["Outputs"][0]["OutputValue"]
