"""Logs hold no personal data: not in a request's line, not in an exception's."""

from __future__ import annotations

import json
import logging
import logging.config
from collections.abc import Iterator

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory

from leadpact.site.logs import RequestLog, logging_settings


@pytest.fixture
def lines(capsys: pytest.CaptureFixture[str]) -> Iterator[object]:
    """Logging as the server has it; gives what was written so far."""
    before = logging.root.handlers[:], logging.root.level
    logging.config.dictConfig(logging_settings(level="INFO", plain=False))
    yield lambda: [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    logging.root.handlers[:], logging.root.level = before


def test_a_request_is_its_route(lines: object) -> None:
    assert callable(lines)
    request = RequestFactory().get("/invitations/s3cret", {"email": "ada@northwind.example"})
    RequestLog(lambda _: HttpResponse(status=204))(request)
    (line,) = lines()
    assert (line["event"], line["method"], line["status"], line["route"]) == ("request", "GET", 204, "(none)")
    assert "s3cret" not in str(line)
    assert "ada@" not in str(line)


def test_an_exception_is_its_type_and_place(lines: object) -> None:
    assert callable(lines)

    def quotes_a_row(_: HttpRequest) -> HttpResponse:
        raise ValueError("Key (email)=(ada@northwind.example) already exists.")

    try:
        quotes_a_row(HttpRequest())
    except ValueError:
        logging.getLogger("django.request").exception("Internal Server Error: %s", "/people/ada@northwind.example")
    (line,) = lines()
    assert line["raised"] == "ValueError"
    assert "quotes_a_row" in line["at"][-1]
    assert "ada@" not in str(line)


def test_a_jobs_arguments_stay_out(lines: object) -> None:
    assert callable(lines)
    job = {"id": 7, "task_name": "loop.fire_clocks", "args": {"email": "ada@northwind.example"}}
    logging.getLogger("procrastinate.worker").error(
        "Job loop.fire_clocks[7](email=ada@northwind.example) ended", extra={"action": "job_error", "job": job}
    )
    (line,) = lines()
    assert (line["event"], line["job"], line["task"]) == ("job_error", 7, "loop.fire_clocks")
    assert "ada@" not in str(line)
