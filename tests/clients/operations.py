"""docs/local.md lists the operations that are there: all of them, and no other.

Every operation that boto3 knows of a service is asked for, with an empty request. What is not there answers 501.
"""

import http.client
import json
import os
import pathlib
import re
import unittest
import urllib.parse

import botocore.auth
import botocore.awsrequest
import botocore.session
from botocore.exceptions import ClientError

from endpoint import create_machine

PAGE = pathlib.Path(__file__).resolve().parents[2] / "docs" / "local.md"

# As the page calls them, and as boto3 does.
SERVICES = {
    "Step Functions": ["stepfunctions"],
    "Lambda": ["lambda"],
    "Systems Manager": ["ssm"],
    "DynamoDB": ["dynamodb", "dynamodbstreams"],
    "CloudWatch Logs": ["logs"],
    "Secrets Manager": ["secretsmanager"],
    "Redshift Data": ["redshift-data"],
    "SNS": ["sns"],
    "STS": ["sts"],
}


# What Task states of people's machines call, after `arn:aws:states:::`; of the SDK's services an operation each.
RESOURCES = """
lambda:invoke lambda:invoke.waitForTaskToken
states:startExecution states:startExecution.sync states:startExecution.sync:2 states:startExecution.waitForTaskToken
sns:publish sns:publish.waitForTaskToken sqs:sendMessage sqs:sendMessage.waitForTaskToken
events:putEvents events:putEvents.waitForTaskToken
dynamodb:getItem dynamodb:putItem dynamodb:updateItem dynamodb:deleteItem
aws-sdk:cloudwatchlogs:filterLogEvents aws-sdk:dynamodb:query aws-sdk:eventbridge:putEvents aws-sdk:lambda:invoke
aws-sdk:redshiftdata:executeStatement aws-sdk:s3:getObject aws-sdk:scheduler:createSchedule
aws-sdk:secretsmanager:getSecretValue aws-sdk:sfn:describeExecution aws-sdk:sns:publish
aws-sdk:ssm:getParameter aws-sdk:ssm:sendCommand aws-sdk:sts:getCallerIdentity
batch:submitJob.sync ecs:runTask.sync glue:startJobRun glue:startJobRun.sync
""".split()


def listed():
    """Service and operations of each row of the page's table."""
    rows = re.findall(r"^\| ([A-Z][A-Za-z ]+) \| (`.*) \|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    return {service: re.findall(r"`([^`]+)`", operations) for service, operations in rows}


def is_callable(resource):
    """Whether a machine may call it: it can be created, when all parameters are there that it asks for."""
    parameters = {}
    name = "calls-" + re.sub("[^A-Za-z0-9]", "-", resource)
    while True:
        state = {"Type": "Task", "Resource": f"arn:aws:states:::{resource}", "Parameters": parameters, "End": True}
        try:
            create_machine(name, json.dumps({"StartAt": "T", "States": {"T": state}}))
            return True
        except ClientError as error:
            missing = re.findall(r'"Parameters/(\w+)": is required', str(error))
            if not missing:
                return False
            parameters.update(dict.fromkeys(missing, "x"))


def update(rows):
    """Writes the table's rows."""
    table = re.compile(r"(^\| service \| operations \|\n\| --- \| --- \|\n)(?:\| .*\n)*", re.MULTILINE)
    text = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(table.sub(lambda found: f"{found[1]}{rows}\n", text), encoding="utf-8")


def request(service, operation):
    """Method, path, headers and body of an empty request."""
    metadata = service.metadata
    if metadata["protocol"] == "json":
        target = f"{metadata['targetPrefix']}.{operation.name}"
        content_type = f"application/x-amz-json-{metadata['jsonVersion']}"
        return "POST", "/", {"x-amz-target": target, "content-type": content_type}, "{}"
    if metadata["protocol"] == "query":
        form = {"Action": operation.name, "Version": metadata["apiVersion"]}
        headers = {"content-type": "application/x-www-form-urlencoded"}
        return "POST", "/", headers, urllib.parse.urlencode(form)
    path = re.sub(r"\{[^}]*\}", "nobody", operation.http["requestUri"])
    return operation.http["method"], path, {}, ""


class Operations(unittest.TestCase):
    maxDiff = None

    def test_the_page_lists_what_is_there(self):
        address = urllib.parse.urlsplit(os.environ["AWS_ENDPOINT_URL"])
        connection = http.client.HTTPConnection(address.hostname, address.port, timeout=60)
        self.addCleanup(connection.close)
        session = botocore.session.get_session()

        signer = botocore.auth.SigV4Auth(session.get_credentials(), "test", "us-east-1")

        def is_there(service, operation):
            method, path, headers, body = request(service, operation)
            signed = botocore.awsrequest.AWSRequest(method, f"http://{address.netloc}{path}", headers, body)
            signer.add_auth(signed)
            connection.request(method, path, body, dict(signed.headers))
            answer = connection.getresponse()
            text = answer.read().decode()
            if answer.status == 501:
                self.assertIn("not supported by the embedded endpoint", text)
            else:
                self.assertLess(answer.status, 500, f"{operation.name}: {text}")
            return answer.status != 501

        there = {"Task states": [resource for resource in RESOURCES if is_callable(resource)]}
        for name, services in SERVICES.items():
            models = [session.get_service_model(service) for service in services]
            operations = [(model, model.operation_model(o)) for model in models for o in model.operation_names]
            self.assertGreater(len(operations), 5)
            # Both services of DynamoDB have tables of one kind or another, and some operations by one name.
            found = sorted({o.name for model, o in operations if is_there(model, o)})
            if found:
                there[name] = found
        rows = "\n".join(f"| {n} | {', '.join(f'`{o}`' for o in found)} |" for n, found in there.items())
        if os.environ.get("RSQLFLOW_UPDATE_PAGE"):
            update(rows)
        self.assertEqual(listed(), there, f"\n{PAGE} should have these rows, which RSQLFLOW_UPDATE_PAGE=1 writes:\n{rows}")
        everything = json.dumps(there)
        for operation in ("StartExecution", "PutItem", "Invoke", "SendCommand", "GetCallerIdentity", "lambda:invoke"):
            self.assertIn(f'"{operation}"', everything)
        self.assertNotIn("glue", everything)


if __name__ == "__main__":
    unittest.main()
