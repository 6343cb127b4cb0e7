"""The Redshift Data API with boto3: answers have the shapes of the service's model, errors are its classes."""

import json
import re
import unittest
import uuid

from botocore.exceptions import ClientError

from endpoint import client

WAREHOUSE = {"WorkgroupName": "night", "Database": "postgres"}

# How JSON writes the types of the model.
SCALARS = {
    "string": str,
    "blob": str,
    "boolean": bool,
    "integer": int,
    "long": int,
    "double": (int, float, str),
    "timestamp": (int, float),
}


def differences(shape, value, path):
    """Where a value is not as the model has it."""
    if shape.type_name == "structure":
        if not isinstance(value, dict):
            return [f"{path}: {value!r} is no structure"]
        found = [f"{path}.{name}: is not in the model" for name in value if name not in shape.members]
        found += [f"{path}.{name}: is required" for name in shape.required_members if name not in value]
        for name, member in shape.members.items():
            if name in value:
                found += differences(member, value[name], f"{path}.{name}")
        return found
    if shape.type_name == "list":
        return [d for i, item in enumerate(value) for d in differences(shape.member, item, f"{path}[{i}]")]
    if not isinstance(value, SCALARS[shape.type_name]):
        return [f"{path}: {value!r} is no {shape.type_name}"]
    found = []
    if getattr(shape, "enum", None) and value not in shape.enum:
        found.append(f"{path}: {value!r} is not one of {shape.enum}")
    pattern = shape.metadata.get("pattern")
    if pattern and not re.fullmatch(pattern, value):
        found.append(f"{path}: {value!r} does not match {pattern}")
    return found


class Redshift(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        self.data = client("redshift-data")
        self.checked = set()
        self.data.meta.events.register("before-parse.redshift-data", self.check)

    def check(self, operation_model, response_dict, **_):
        """Compares each answer as it comes over the wire with the model; boto3 passes over what it does not know."""
        body = json.loads(response_dict["body"])
        if response_dict["status_code"] < 300:
            self.assertEqual(differences(operation_model.output_shape, body, operation_model.name), [])
        else:
            name = body["__type"]
            shape = next((e for e in operation_model.error_shapes if e.name == name), None)
            self.assertIsNotNone(shape, f"{name} is not an error of {operation_model.name}")
            body = {k: v for k, v in body.items() if k not in ("__type", "message")}
            self.assertEqual(differences(shape, body, name), [])
        self.checked.add(operation_model.name)

    def run_sql(self, sql, **more):
        answer = self.data.execute_statement(**WAREHOUSE, Sql=sql, WaitTimeSeconds=30, **more)
        return self.data.describe_statement(Id=answer["Id"], WaitTimeSeconds=30)

    def test_answers_are_those_of_the_model(self):
        described = self.run_sql(
            "select 1 as one, 2.5::float8, 'x', null, true, 1.10::decimal(5,2) where 1 = :n",
            Parameters=[{"name": "n", "value": "1"}],
            StatementName="shapes",
            WithEvent=True,
        )
        self.assertEqual(described["Status"], "FINISHED", described)
        result = self.data.get_statement_result(Id=described["Id"])
        fields = [next(iter(field.items())) for field in result["Records"][0]]
        expected = [("longValue", 1), ("doubleValue", 2.5), ("stringValue", "x"), ("isNull", True)]
        self.assertEqual(fields, expected + [("booleanValue", True), ("stringValue", "1.10")])
        self.assertEqual(result["TotalNumRows"], 1)
        self.assertEqual(result["ColumnMetadata"][0]["name"], "one")

        batch = self.data.batch_execute_statement(**WAREHOUSE, Sqls=["select 1", "select 2"], ResultFormat="CSV")
        described = self.data.describe_statement(Id=batch["Id"], WaitTimeSeconds=30)
        self.assertEqual([part["Status"] for part in described["SubStatements"]], ["FINISHED", "FINISHED"])
        second = self.data.get_statement_result_v2(Id=described["SubStatements"][1]["Id"])
        self.assertEqual(second["Records"], [{"CSVRecords": "2\r\n"}])

        names = [s.get("StatementName") for s in self.data.list_statements(StatementName="sha")["Statements"]]
        self.assertEqual(names, ["shapes"])
        self.assertTrue(any(s["IsBatchStatement"] for s in self.data.list_statements(Status="ALL")["Statements"]))

        sleeping = self.data.execute_statement(**WAREHOUSE, Sql="select pg_sleep(600)")
        self.assertTrue(self.data.cancel_statement(Id=sleeping["Id"])["Status"])
        self.assertEqual(self.data.describe_statement(Id=sleeping["Id"], WaitTimeSeconds=30)["Status"], "ABORTED")
        self.assertEqual(len(self.checked), 7, self.checked)

    def test_errors_are_those_of_the_model(self):
        exceptions = self.data.exceptions
        failed = self.run_sql("select * from nowhere")
        self.assertEqual(failed["Status"], "FAILED")
        self.assertTrue(failed["Error"].startswith('ERROR: relation "nowhere" does not exist'), failed["Error"])
        with self.assertRaises(exceptions.ResourceNotFoundException) as caught:
            self.data.describe_statement(Id=str(uuid.uuid4()))
        self.assertIn("Query does not exist.", str(caught.exception))
        self.assertTrue(caught.exception.response["ResourceId"])
        with self.assertRaises(exceptions.ResourceNotFoundException):
            self.data.get_statement_result(Id=failed["Id"])
        with self.assertRaises(exceptions.ValidationException):
            self.data.cancel_statement(Id=failed["Id"])
        with self.assertRaises(exceptions.ValidationException):
            self.data.execute_statement(WorkgroupName="unknown", Database="dev", Sql="select 1")
        with self.assertRaises(exceptions.ValidationException):
            self.run_sql("select 1; select 2")
        token = str(uuid.uuid4())
        first = self.data.execute_statement(**WAREHOUSE, Sql="select 1", ClientToken=token)
        again = self.data.execute_statement(**WAREHOUSE, Sql="select 1", ClientToken=token)
        self.assertEqual(first["Id"], again["Id"])
        with self.assertRaises(exceptions.ValidationException):
            self.data.execute_statement(**WAREHOUSE, Sql="select 2", ClientToken=token)

    def test_what_is_not_supported_is_refused(self):
        self.data.meta.events.unregister("before-parse.redshift-data", self.check)
        with self.assertRaises(ClientError) as caught:
            self.run_sql("select 1", SessionKeepAliveSeconds=60)
        self.assertEqual(caught.exception.response["Error"]["Code"], "NotImplemented")


if __name__ == "__main__":
    unittest.main()
