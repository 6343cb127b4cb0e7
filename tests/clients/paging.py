"""Paginators and waiters of boto3: pages add up to the whole, in order, each thing once."""

import json
import unittest

from botocore.exceptions import WaiterError

from endpoint import (
    CONFIG,
    LOG_GROUP,
    PASS,
    client,
    create_machine,
    ended,
    job_rows,
    put_workflow,
    script,
    trigger,
)


def collect(pages, member):
    """All members, and the size of each page."""
    sizes, members = [], []
    for page in pages:
        sizes.append(len(page[member]))
        members.extend(page[member])
    return members, sizes


class StepFunctions(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.sfn = client("stepfunctions")

    def test_a_history_forward_and_backward(self):
        states = {f"S{i}": {"Type": "Pass", "Next": f"S{i + 1}"} for i in range(20)}
        states["S20"] = {"Type": "Succeed"}
        machine = create_machine("paging-history", json.dumps({"StartAt": "S0", "States": states}))
        arn = self.sfn.start_execution(stateMachineArn=machine)["executionArn"]
        ended(arn)
        paginator = self.sfn.get_paginator("get_execution_history")
        pages = paginator.paginate(executionArn=arn, PaginationConfig={"PageSize": 10})
        forward, sizes = collect(pages, "events")
        # Two of the execution, two of each of the 21 states.
        self.assertEqual([event["id"] for event in forward], list(range(1, 45)))
        self.assertEqual(sizes, [10, 10, 10, 10, 4])
        self.assertEqual(forward[0]["type"], "ExecutionStarted")
        self.assertEqual(forward[-1]["type"], "ExecutionSucceeded")
        pages = paginator.paginate(executionArn=arn, reverseOrder=True, PaginationConfig={"PageSize": 7})
        backward, _ = collect(pages, "events")
        self.assertEqual(backward, forward[::-1])
        bare = self.sfn.get_execution_history(executionArn=arn, includeExecutionData=False)["events"]
        self.assertNotIn("input", bare[0]["executionStartedEventDetails"])

    def test_executions_newest_first(self):
        machine = create_machine("paging-list", PASS)
        names = [f"e{i:02}" for i in range(25)]
        for name in names:
            arn = self.sfn.start_execution(stateMachineArn=machine, name=name)["executionArn"]
            ended(arn)
        paginator = self.sfn.get_paginator("list_executions")
        pages = paginator.paginate(stateMachineArn=machine, PaginationConfig={"PageSize": 10})
        executions, sizes = collect(pages, "executions")
        self.assertEqual([execution["name"] for execution in executions], names[::-1])
        self.assertEqual(sizes, [10, 10, 5])
        pages = paginator.paginate(stateMachineArn=machine, statusFilter="FAILED")
        self.assertEqual(collect(pages, "executions")[0], [])
        first = paginator.paginate(stateMachineArn=machine, PaginationConfig={"MaxItems": 3}).build_full_result()
        rest = paginator.paginate(
            stateMachineArn=machine, PaginationConfig={"StartingToken": first["NextToken"]}
        ).build_full_result()
        self.assertEqual([e["name"] for e in first["executions"] + rest["executions"]], names[::-1])

    def test_machines(self):
        names = {f"paging-machine-{i}" for i in range(5)}
        for name in names:
            create_machine(name, PASS)
        pages = self.sfn.get_paginator("list_state_machines").paginate(PaginationConfig={"PageSize": 2})
        listed = [machine["name"] for machine in collect(pages, "stateMachines")[0]]
        self.assertEqual(len(listed), len(set(listed)))
        self.assertLessEqual(names | {"rsqlflow-master"}, set(listed))


class DynamoDb(unittest.TestCase):
    def test_query_scan_and_tables(self):
        dynamodb = client("dynamodb")
        dynamodb.create_table(
            TableName="paging",
            AttributeDefinitions=[
                {"AttributeName": "p", "AttributeType": "S"},
                {"AttributeName": "s", "AttributeType": "N"},
            ],
            KeySchema=[{"AttributeName": "p", "KeyType": "HASH"}, {"AttributeName": "s", "KeyType": "RANGE"}],
            BillingMode="PAY_PER_REQUEST",
        )
        dynamodb.get_waiter("table_exists").wait(TableName="paging")
        # More than a page of 1 MB.
        for number in range(15):
            item = {"p": {"S": "x"}, "s": {"N": str(number)}, "data": {"S": "d" * 100_000}}
            dynamodb.put_item(TableName="paging", Item=item)
        query = dynamodb.get_paginator("query").paginate(
            TableName="paging",
            KeyConditionExpression="p = :p",
            ExpressionAttributeValues={":p": {"S": "x"}},
        )
        items, sizes = collect(query, "Items")
        self.assertEqual([int(item["s"]["N"]) for item in items], list(range(15)))
        self.assertGreater(len(sizes), 1, "1 MB ends a page")
        scan = dynamodb.get_paginator("scan").paginate(TableName="paging", PaginationConfig={"PageSize": 4})
        items, sizes = collect(scan, "Items")
        self.assertEqual(len({item["s"]["N"] for item in items}), 15)
        self.assertLessEqual(max(sizes), 4)
        tables = dynamodb.get_paginator("list_tables").paginate(PaginationConfig={"PageSize": 2})
        self.assertLessEqual({"paging", CONFIG}, set(collect(tables, "TableNames")[0]))
        dynamodb.delete_table(TableName="paging")
        dynamodb.get_waiter("table_not_exists").wait(TableName="paging")


class Logs(unittest.TestCase):
    def test_events_and_streams(self):
        logs = client("logs")
        group = "/paging"
        logs.create_log_group(logGroupName=group)
        now = 1_000 * int(client("stepfunctions").describe_state_machine(
            stateMachineArn=create_machine("paging-clock", PASS)
        )["creationDate"].timestamp())
        for stream in ("a", "b", "c"):
            logs.create_log_stream(logGroupName=group, logStreamName=stream)
            events = [{"timestamp": now + i, "message": f"{stream}{i:03}"} for i in range(100)]
            logs.put_log_events(logGroupName=group, logStreamName=stream, logEvents=events)
        paginator = logs.get_paginator("filter_log_events")
        events, _ = collect(paginator.paginate(logGroupName=group, PaginationConfig={"PageSize": 33}), "events")
        self.assertEqual(
            sorted(event["message"] for event in events),
            [f"{stream}{i:03}" for stream in "abc" for i in range(100)],
        )
        self.assertEqual([e["timestamp"] for e in events], sorted(e["timestamp"] for e in events))
        pages = paginator.paginate(logGroupName=group, startTime=now + 10, endTime=now + 12)
        self.assertEqual(len(collect(pages, "events")[0]), 3 * 3, "both ends count")
        streams = logs.get_paginator("describe_log_streams").paginate(
            logGroupName=group, PaginationConfig={"PageSize": 2}
        )
        self.assertEqual([s["logStreamName"] for s in collect(streams, "logStreams")[0]], ["a", "b", "c"])
        groups = logs.get_paginator("describe_log_groups").paginate(PaginationConfig={"PageSize": 1})
        self.assertLessEqual({group, LOG_GROUP}, {g["logGroupName"] for g in collect(groups, "logGroups")[0]})


class Commands(unittest.TestCase):
    def test_commands_are_awaited_and_listed(self):
        script("paging.sh", "exit 0")
        put_workflow("paging", ["paging.sh"] * 5)
        run = trigger("paging")
        ended(run["execution_arn"])
        sent = {row["ssm_command_id"]: row["instance_id"] for row in job_rows(run["workflow_execution_id"])}
        self.assertEqual(len(sent), 5)
        ssm = client("ssm")
        for command, instance in sent.items():
            ssm.get_waiter("command_executed").wait(
                CommandId=command, InstanceId=instance, WaiterConfig={"Delay": 1}
            )
        paginator = ssm.get_paginator("list_command_invocations")
        invocations, sizes = collect(
            paginator.paginate(PaginationConfig={"PageSize": 2}), "CommandInvocations"
        )
        self.assertLessEqual(max(sizes), 2)
        listed = {i["CommandId"]: i["Status"] for i in invocations}
        self.assertEqual(listed, dict.fromkeys(sent, "Success"))
        commands, _ = collect(ssm.get_paginator("list_commands").paginate(), "Commands")
        self.assertEqual({command["CommandId"] for command in commands}, set(sent))

    def test_a_command_that_never_was_is_not_awaited_for_ever(self):
        waiter = client("ssm").get_waiter("command_executed")
        with self.assertRaises(WaiterError):
            waiter.wait(
                CommandId="00000000-0000-0000-0000-000000000000",
                InstanceId="i-local000000000001",
                WaiterConfig={"Delay": 1, "MaxAttempts": 2},
            )

    def test_instances(self):
        pages = client("ssm").get_paginator("describe_instance_information").paginate(
            PaginationConfig={"PageSize": 5}
        )
        instances, sizes = collect(pages, "InstanceInformationList")
        self.assertEqual(
            sorted(instance["InstanceId"] for instance in instances),
            [f"i-local{number:012}" for number in range(1, 13)],
        )
        self.assertEqual(sizes, [5, 5, 2])


class Others(unittest.TestCase):
    def test_functions(self):
        functions = client("lambda")
        pages = functions.get_paginator("list_functions").paginate(PaginationConfig={"PageSize": 4})
        names = [function["FunctionName"] for function in collect(pages, "Functions")[0]]
        self.assertEqual(len(names), len(set(names)))
        self.assertIn("rsqlflow-workflow-trigger", names)
        for waiter in ("function_exists", "function_active_v2"):
            functions.get_waiter(waiter).wait(FunctionName="rsqlflow-workflow-trigger")

    def test_secrets_and_topics(self):
        secrets, sns = client("secretsmanager"), client("sns")
        names = [f"paging-{i}" for i in range(5)]
        topics = {sns.create_topic(Name=name)["TopicArn"] for name in names}
        for name in names:
            secrets.create_secret(Name=name, SecretString="s")
        pages = sns.get_paginator("list_topics").paginate()
        self.assertLessEqual(topics, {topic["TopicArn"] for topic in collect(pages, "Topics")[0]})
        pages = secrets.get_paginator("list_secrets").paginate(PaginationConfig={"PageSize": 2})
        self.assertEqual(sorted(s["Name"] for s in collect(pages, "SecretList")[0]), names)


if __name__ == "__main__":
    unittest.main()
