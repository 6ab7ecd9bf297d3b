"""The schema of agreement files, as editors fetch it."""

from __future__ import annotations

import json

from django.test import Client
from jsonschema import Draft202012Validator

from leadpact.language.schema import json_schema


def test_editors_fetch_the_schema_without_a_log_in(client: Client) -> None:
    answer = client.get("/agreement/schema.json")
    assert answer.status_code == 200
    assert answer["Content-Type"] == "application/schema+json"
    assert answer["Access-Control-Allow-Origin"] == "*"
    found = json.loads(answer.content)
    assert found == json.loads(json.dumps(json_schema()))
    Draft202012Validator.check_schema(found)


def test_an_editor_that_has_it_gets_nothing_anew(client: Client) -> None:
    first = client.get("/agreement/schema.json")
    again = client.get("/agreement/schema.json", headers={"If-None-Match": first["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert client.post("/agreement/schema.json").status_code == 405
