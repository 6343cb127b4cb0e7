"""State machines of one's own, with boto3: their versions, task tokens."""

import json
import unittest

from endpoint import PASS, client, create_machine, ended, eventually


def task(resource, parameters, **more):
    state = {"Type": "Task", "Resource": resource, "Parameters": parameters, "End": True, **more}
    return json.dumps({"StartAt": "T", "States": {"T": state}})


class Machines(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.sfn = client("stepfunctions")

    def events(self, arn):
        pages = self.sfn.get_paginator("get_execution_history").paginate(executionArn=arn)
        return [event for page in pages for event in page["events"]]

    def run_to_end(self, machine, **request):
        return ended(self.sfn.start_execution(stateMachineArn=machine, **request)["executionArn"])

    def test_a_machine_is_changed_and_deleted(self):
        machine = create_machine("machines-changed", PASS)
        self.assertEqual(self.run_to_end(machine, input='{"a":1}')["output"], '{"a":1}')
        changed = json.dumps({"StartAt": "P", "States": {"P": {"Type": "Pass", "Result": 2, "End": True}}})
        self.sfn.update_state_machine(stateMachineArn=machine, definition=changed)
        described = self.sfn.describe_state_machine(stateMachineArn=machine)
        self.assertEqual((described["definition"], described["status"]), (changed, "ACTIVE"))
        self.assertEqual(self.run_to_end(machine)["output"], "2")
        with self.assertRaises(self.sfn.exceptions.InvalidDefinition):
            self.sfn.update_state_machine(stateMachineArn=machine, definition="{}")
        self.sfn.delete_state_machine(stateMachineArn=machine)

        def gone():
            try:
                self.sfn.describe_state_machine(stateMachineArn=machine)
            except self.sfn.exceptions.StateMachineDoesNotExist:
                return True
            return False

        eventually("the machine's end", gone)
        with self.assertRaises(self.sfn.exceptions.StateMachineDoesNotExist):
            self.sfn.start_execution(stateMachineArn=machine)

    def test_a_task_waits_for_its_token(self):
        mailbox = create_machine("machines-mailbox", PASS)
        parameters = {"StateMachineArn": mailbox, "Input": {"token.$": "$$.Task.Token"}}
        resource = "arn:aws:states:::states:startExecution.waitForTaskToken"
        machine = create_machine("machines-token", task(resource, parameters, TimeoutSeconds=600))
        answers = {
            "success": lambda token: self.sfn.send_task_success(taskToken=token, output='{"well": true}'),
            "failure": lambda token: self.sfn.send_task_failure(taskToken=token, error="E", cause="c"),
        }
        for name, answer in answers.items():
            arn = self.sfn.start_execution(stateMachineArn=machine, name=name)["executionArn"]

            def token(arn=arn):
                events = self.events(arn)
                # The token may be given back as soon as the other execution was started.
                if not any(event["type"] == "TaskSubmitted" for event in events):
                    return None
                [scheduled] = [event for event in events if event["type"] == "TaskScheduled"]
                return json.loads(scheduled["taskScheduledEventDetails"]["parameters"])["Input"]["token"]

            found = eventually("the token", token)
            self.sfn.send_task_heartbeat(taskToken=found)
            self.assertEqual(self.sfn.describe_execution(executionArn=arn)["status"], "RUNNING")
            answer(found)
            described = ended(arn)
            if name == "success":
                self.assertEqual((described["status"], described["output"]), ("SUCCEEDED", '{"well":true}'))
            else:
                self.assertEqual((described["status"], described["error"]), ("FAILED", "E"))
            exceptions = self.sfn.exceptions
            with self.assertRaises((exceptions.TaskTimedOut, exceptions.TaskDoesNotExist)):
                answer(found)



if __name__ == "__main__":
    unittest.main()
