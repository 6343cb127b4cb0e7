"""Errors reach boto3 as the classes that callers branch on."""

import json
import unittest

from botocore.exceptions import ClientError

from endpoint import (
    ACCOUNT,
    CONFIG,
    DOCUMENT,
    LOG_GROUP,
    PASS,
    REGION,
    TRIGGER,
    WAIT,
    client,
    create_machine,
    ended,
    execution_arn,
    machine_arn,
)

KEY = {"workflow_id": {"S": "errors"}}


class StepFunctions(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.sfn = client("stepfunctions")
        cls.waiting = create_machine("errors-wait", WAIT)
        cls.passing = create_machine("errors-pass", PASS)

    def test_a_name_is_used_once(self):
        """StartExecution is idempotent while the first runs; API reference, StartExecution."""
        first = self.sfn.start_execution(stateMachineArn=self.waiting, name="once", input='{"a": 1}')
        again = self.sfn.start_execution(stateMachineArn=self.waiting, name="once", input='{"a": 1}')
        self.assertEqual(first["executionArn"], again["executionArn"])
        self.assertEqual(first["startDate"], again["startDate"])
        with self.assertRaises(self.sfn.exceptions.ExecutionAlreadyExists):
            self.sfn.start_execution(stateMachineArn=self.waiting, name="once", input='{"a": 2}')
        self.sfn.stop_execution(executionArn=first["executionArn"])
        with self.assertRaises(self.sfn.exceptions.ExecutionAlreadyExists):
            self.sfn.start_execution(stateMachineArn=self.waiting, name="once", input='{"a": 1}')

    def test_what_does_not_exist(self):
        missing = execution_arn("errors-pass", "missing")
        with self.assertRaises(self.sfn.exceptions.ExecutionDoesNotExist) as caught:
            self.sfn.describe_execution(executionArn=missing)
        self.assertIn(missing, str(caught.exception))
        for call in (self.sfn.stop_execution, self.sfn.get_execution_history):
            with self.assertRaises(self.sfn.exceptions.ExecutionDoesNotExist):
                call(executionArn=missing)
        with self.assertRaises(self.sfn.exceptions.StateMachineDoesNotExist):
            self.sfn.start_execution(stateMachineArn=machine_arn("missing"))
        with self.assertRaises(self.sfn.exceptions.StateMachineDoesNotExist):
            self.sfn.describe_state_machine(stateMachineArn=machine_arn("missing"))

    def test_what_is_malformed(self):
        exceptions = self.sfn.exceptions
        with self.assertRaises(exceptions.InvalidArn):
            self.sfn.describe_execution(executionArn="not an arn")
        with self.assertRaises(exceptions.InvalidName):
            self.sfn.start_execution(stateMachineArn=self.passing, name="no spaces?")
        with self.assertRaises(exceptions.InvalidExecutionInput):
            self.sfn.start_execution(stateMachineArn=self.passing, input="{")
        with self.assertRaises(exceptions.InvalidDefinition):
            create_machine("errors-broken", '{"StartAt": "Nowhere", "States": {}}')
        with self.assertRaises(exceptions.InvalidToken):
            self.sfn.list_executions(stateMachineArn=self.passing, nextToken="nonsense")

    def test_a_machine_is_created_once(self):
        """The role does not count; API reference, CreateStateMachine."""
        self.assertEqual(create_machine("errors-pass", PASS), self.passing, "the same again is the same")
        self.assertEqual(create_machine("errors-pass", PASS, role="another"), self.passing)
        with self.assertRaises(self.sfn.exceptions.StateMachineAlreadyExists):
            create_machine("errors-pass", WAIT)

    def test_a_token_that_nobody_waits_for(self):
        exceptions = self.sfn.exceptions
        with self.assertRaises((exceptions.TaskDoesNotExist, exceptions.InvalidToken, exceptions.TaskTimedOut)):
            self.sfn.send_task_success(taskToken="A" * 64, output="{}")

    def test_an_execution_that_failed_is_an_answer(self):
        failing = json.dumps({"StartAt": "F", "States": {"F": {"Type": "Fail", "Error": "E", "Cause": "c"}}})
        arn = self.sfn.start_execution(stateMachineArn=create_machine("errors-fail", failing))["executionArn"]
        described = ended(arn)
        self.assertEqual((described["status"], described["error"], described["cause"]), ("FAILED", "E", "c"))


class DynamoDb(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.dynamodb = client("dynamodb")

    def test_a_condition_that_fails(self):
        put = {"TableName": CONFIG, "ConditionExpression": "attribute_not_exists(workflow_id)"}
        self.dynamodb.put_item(Item={**KEY, "by": {"S": "first"}}, **put)
        with self.assertRaises(self.dynamodb.exceptions.ConditionalCheckFailedException) as caught:
            self.dynamodb.put_item(
                Item={**KEY, "by": {"S": "second"}}, ReturnValuesOnConditionCheckFailure="ALL_OLD", **put
            )
        self.assertEqual(caught.exception.response["Item"]["by"], {"S": "first"})

    def test_a_transaction_says_which_condition_failed(self):
        items = [
            {"Put": {"TableName": CONFIG, "Item": {"workflow_id": {"S": "transaction"}}}},
            {"ConditionCheck": {
                "TableName": CONFIG,
                "Key": {"workflow_id": {"S": "missing"}},
                "ConditionExpression": "attribute_exists(workflow_id)",
            }},
        ]
        with self.assertRaises(self.dynamodb.exceptions.TransactionCanceledException) as caught:
            self.dynamodb.transact_write_items(TransactItems=items)
        codes = [reason["Code"] for reason in caught.exception.response["CancellationReasons"]]
        self.assertEqual(codes, ["None", "ConditionalCheckFailed"])
        found = self.dynamodb.get_item(TableName=CONFIG, Key={"workflow_id": {"S": "transaction"}})
        self.assertNotIn("Item", found)

    def test_tables(self):
        with self.assertRaises(self.dynamodb.exceptions.ResourceNotFoundException):
            self.dynamodb.get_item(TableName="missing-table", Key=KEY)
        with self.assertRaises(self.dynamodb.exceptions.ResourceInUseException):
            self.dynamodb.create_table(
                TableName=CONFIG,
                AttributeDefinitions=[{"AttributeName": "workflow_id", "AttributeType": "S"}],
                KeySchema=[{"AttributeName": "workflow_id", "KeyType": "HASH"}],
                BillingMode="PAY_PER_REQUEST",
            )
        with self.assertRaises(ClientError) as caught:
            self.dynamodb.get_item(TableName=CONFIG, Key={"other": {"S": "x"}})
        self.assertEqual(caught.exception.response["Error"]["Code"], "ValidationException")


class Lambda(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.functions = client("lambda")

    def test_a_function_that_does_not_exist(self):
        with self.assertRaises(self.functions.exceptions.ResourceNotFoundException) as caught:
            self.functions.invoke(FunctionName="missing")
        self.assertIn(f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:missing", str(caught.exception))
        with self.assertRaises(self.functions.exceptions.ResourceNotFoundException):
            self.functions.get_function(FunctionName="missing")

    def test_an_event_that_is_not_json(self):
        with self.assertRaises(self.functions.exceptions.InvalidRequestContentException):
            self.functions.invoke(FunctionName=TRIGGER, Payload=b"{")

    def test_an_error_of_the_function_is_an_answer(self):
        answer = self.functions.invoke(FunctionName=TRIGGER, Payload=b'{"workflow_id": "nobody-put-it"}')
        self.assertEqual((answer["StatusCode"], answer["FunctionError"]), (200, "Unhandled"))
        payload = json.load(answer["Payload"])
        self.assertEqual(payload["errorType"], "WorkflowNotFound")
        self.assertIn("nobody-put-it", payload["errorMessage"])

    def test_other_ways_to_invoke(self):
        answer = self.functions.invoke(FunctionName=TRIGGER, InvocationType="DryRun")
        self.assertEqual(answer["StatusCode"], 204)
        event = b'{"workflow_id": "nobody-put-it"}'
        answer = self.functions.invoke(FunctionName=TRIGGER, InvocationType="Event", Payload=event)
        self.assertEqual(answer["StatusCode"], 202)


class SystemsManager(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.ssm = client("ssm")
        cls.instance = cls.ssm.describe_instance_information()["InstanceInformationList"][0]["InstanceId"]

    def test_what_cannot_be_sent(self):
        exceptions = self.ssm.exceptions
        given = {"ExecutionId": ["e"], "JobId": ["0000#00000"], "Attempt": ["1"]}
        with self.assertRaises(exceptions.InvalidInstanceId):
            self.ssm.send_command(InstanceIds=["i-0000000000000dead"], DocumentName=DOCUMENT, Parameters=given)
        with self.assertRaises(exceptions.InvalidDocument):
            self.ssm.send_command(InstanceIds=[self.instance], DocumentName="missing")
        for wrong in ({"Attempt": ["1; reboot"]}, {"ExecutionId": ["$(reboot)"]}, {"Other": ["x"]}):
            with self.assertRaises(exceptions.InvalidParameters) as caught:
                self.ssm.send_command(
                    InstanceIds=[self.instance], DocumentName=DOCUMENT, Parameters={**given, **wrong}
                )
            self.assertIn(next(iter(wrong)), str(caught.exception))

    def test_a_command_that_does_not_exist(self):
        command = "00000000-0000-0000-0000-000000000000"
        with self.assertRaises(self.ssm.exceptions.InvocationDoesNotExist):
            self.ssm.get_command_invocation(CommandId=command, InstanceId=self.instance)


class Others(unittest.TestCase):
    def test_logs(self):
        logs = client("logs")
        with self.assertRaises(logs.exceptions.ResourceNotFoundException):
            logs.filter_log_events(logGroupName="/missing")
        with self.assertRaises(logs.exceptions.ResourceNotFoundException):
            logs.get_log_events(logGroupName=LOG_GROUP, logStreamName="missing")
        with self.assertRaises(logs.exceptions.ResourceAlreadyExistsException):
            logs.create_log_group(logGroupName=LOG_GROUP)
        with self.assertRaises(logs.exceptions.InvalidParameterException):
            logs.create_log_group(logGroupName="not a name!")

    def test_secrets(self):
        secrets = client("secretsmanager")
        with self.assertRaises(secrets.exceptions.ResourceNotFoundException):
            secrets.get_secret_value(SecretId="missing")
        secrets.create_secret(Name="errors/one", SecretString="a")
        with self.assertRaises(secrets.exceptions.ResourceExistsException):
            secrets.create_secret(Name="errors/one", SecretString="b")

    def test_sns(self):
        sns = client("sns")
        with self.assertRaises(sns.exceptions.NotFoundException):
            sns.publish(TopicArn=f"arn:aws:sns:{REGION}:{ACCOUNT}:missing", Message="m")
        topic = sns.create_topic(Name="errors")["TopicArn"]
        with self.assertRaises(sns.exceptions.InvalidParameterException):
            sns.publish(TopicArn=topic, Message="")

    def test_what_is_not_there_is_named(self):
        with self.assertRaises(ClientError) as caught:
            client("stepfunctions").create_activity(name="a")
        self.assertEqual(caught.exception.response["ResponseMetadata"]["HTTPStatusCode"], 501)
        self.assertIn("CreateActivity", str(caught.exception))

    def test_every_answer_has_a_request_id(self):
        answer = client("sts").get_caller_identity()
        self.assertEqual(answer["Account"], ACCOUNT)
        with self.assertRaises(ClientError) as caught:
            client("secretsmanager").get_secret_value(SecretId="missing")
        for metadata in (answer["ResponseMetadata"], caught.exception.response["ResponseMetadata"]):
            self.assertRegex(metadata["RequestId"], "^[0-9a-f-]{36}$")


if __name__ == "__main__":
    unittest.main()
