"""200 clients at once, each with connections of its own: all are served, and races have one winner."""

import json
import threading
import unittest

import boto3
from botocore.config import Config

from endpoint import CONFIG, PASS, WAIT, client, create_machine, ended

CLIENTS = 200


class Crowd(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        # One connection a client, so 200 of each service; and no second try that would hide a refusal.
        config = Config(max_pool_connections=1, retries={"total_max_attempts": 1}, read_timeout=120)
        session = boto3.session.Session()
        make = lambda service: [session.client(service, config=config) for _ in range(CLIENTS)]
        cls.dynamodb, cls.sfn = make("dynamodb"), make("stepfunctions")

    def at_once(self, work):
        """Runs `work(number)` on as many threads as there are clients, all from the same moment on."""
        answers, errors = [None] * CLIENTS, []
        begin = threading.Barrier(CLIENTS)

        def run(number):
            begin.wait()
            try:
                answers[number] = work(number)
            except Exception as error:  # pylint: disable=broad-except
                errors.append(f"client {number}: {error!r}")

        threads = [threading.Thread(target=run, args=(number,)) for number in range(CLIENTS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(errors, [])
        return answers

    def test_each_puts_starts_and_describes_its_own(self):
        machine = create_machine("crowd-own", PASS)

        def work(number):
            dynamodb, sfn = self.dynamodb[number], self.sfn[number]
            key = {"workflow_id": {"S": f"crowd-{number}"}}
            dynamodb.put_item(TableName=CONFIG, Item={**key, "n": {"N": str(number)}})
            given = json.dumps({"number": number})
            started = sfn.start_execution(stateMachineArn=machine, name=f"own-{number}", input=given)
            described = ended_with(sfn, started["executionArn"])
            item = dynamodb.get_item(TableName=CONFIG, Key=key, ConsistentRead=True)["Item"]
            return int(item["n"]["N"]), json.loads(described["output"])["number"], described["status"]

        answers = self.at_once(work)
        self.assertEqual(answers, [(number, number, "SUCCEEDED") for number in range(CLIENTS)])
        pages = client("stepfunctions").get_paginator("list_executions").paginate(stateMachineArn=machine)
        names = [execution["name"] for page in pages for execution in page["executions"]]
        self.assertEqual(sorted(names), sorted(f"own-{number}" for number in range(CLIENTS)))

    def test_one_name_is_one_execution(self):
        machine = create_machine("crowd-one", WAIT)
        answers = self.at_once(
            lambda number: self.sfn[number].start_execution(stateMachineArn=machine, name="one", input="{}")
        )
        self.assertEqual(len({(a["executionArn"], a["startDate"]) for a in answers}), 1)
        listed = client("stepfunctions").list_executions(stateMachineArn=machine)["executions"]
        self.assertEqual(len(listed), 1)
        self.sfn[0].stop_execution(executionArn=listed[0]["executionArn"])
        self.assertEqual(ended(listed[0]["executionArn"])["status"], "ABORTED")

    def test_one_conditional_put_wins(self):
        def work(number):
            dynamodb = self.dynamodb[number]
            item = {"workflow_id": {"S": "crowd-winner"}, "n": {"N": str(number)}}
            try:
                dynamodb.put_item(
                    TableName=CONFIG, Item=item, ConditionExpression="attribute_not_exists(workflow_id)"
                )
                return True
            except dynamodb.exceptions.ConditionalCheckFailedException:
                return False

        answers = self.at_once(work)
        self.assertEqual(answers.count(True), 1)
        key = {"workflow_id": {"S": "crowd-winner"}}
        item = client("dynamodb").get_item(TableName=CONFIG, Key=key, ConsistentRead=True)["Item"]
        self.assertEqual(int(item["n"]["N"]), answers.index(True))

    def test_no_increment_is_lost(self):
        key = {"workflow_id": {"S": "crowd-counter"}}
        self.at_once(
            lambda number: self.dynamodb[number].update_item(
                TableName=CONFIG,
                Key=key,
                UpdateExpression="ADD n :one",
                ExpressionAttributeValues={":one": {"N": "1"}},
            )
        )
        item = client("dynamodb").get_item(TableName=CONFIG, Key=key, ConsistentRead=True)["Item"]
        self.assertEqual(item["n"]["N"], str(CLIENTS))


def ended_with(sfn, arn):
    while True:
        described = sfn.describe_execution(executionArn=arn)
        if described["status"] != "RUNNING":
            return described


if __name__ == "__main__":
    unittest.main()
