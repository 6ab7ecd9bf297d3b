"""Logs: one JSON object a line, without personal data.

No query strings, bodies, e-mail or IP addresses, no arguments of jobs, no text of exceptions (a database's
complaint quotes the row): an exception is its type and where it was raised. A request is logged as its
route ("leads/<int:pk>/"), never as its path, which may hold a secret of a link.
"""

from __future__ import annotations

import logging
import sys
import time
import traceback
from collections.abc import Callable, MutableMapping
from types import TracebackType
from typing import Any

import structlog
from django.http import HttpRequest, HttpResponseBase

Event = MutableMapping[str, Any]
Raised = tuple[type[BaseException], BaseException, TracebackType | None]

# Paths that machines ask for all day long.
QUIET = ("/health/", "/static/", "/metrics", "/v1/")


def type_and_place(_logger: object, _method: str, event: Event) -> Event:
    """Replace an exception by its type and the places it passed through, without its text."""
    raised = event.pop("exc_info", None)
    if raised is True:
        raised = sys.exc_info()
    elif isinstance(raised, BaseException):
        raised = (type(raised), raised, raised.__traceback__)
    if isinstance(raised, tuple) and raised[0] is not None:
        kind, _, trace = raised
        event["raised"] = kind.__name__
        event["at"] = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in traceback.extract_tb(trace)[-8:]]
    return event


def without_words_of_others(_logger: object, _method: str, event: Event) -> Event:
    """Messages of libraries that quote paths or arguments are replaced by what happened, without the quote."""
    record = event.get("_record")
    if not isinstance(record, logging.LogRecord):
        return event
    if record.name.startswith("procrastinate"):
        event["event"] = getattr(record, "action", "job")
        job = getattr(record, "job", None)
        if isinstance(job, dict):
            event.update(job=job.get("id"), task=job.get("task_name"))
    elif record.name.startswith(("django.request", "django.security", "axes")):
        event["event"] = record.name
        event["status"] = getattr(record, "status_code", None)
    return event


_shared: list[Callable[..., Any]] = [
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
]


class ToStderr(logging.Handler):
    """Writes to what sys.stderr is at that moment: whoever replaces it later (a test) gets the lines too."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write one line."""
        try:
            sys.stderr.write(self.format(record) + "\n")
            sys.stderr.flush()
        except (OSError, ValueError):
            self.handleError(record)


def logging_settings(*, level: str, plain: bool) -> dict[str, Any]:
    """Django's LOGGING. `plain`: for a terminal, instead of JSON."""
    renderer = structlog.dev.ConsoleRenderer(colors=False) if plain else structlog.processors.JSONRenderer()
    structlog.configure(
        processors=[*_shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    formatter = {
        "()": structlog.stdlib.ProcessorFormatter,
        "foreign_pre_chain": _shared,
        "processors": [
            without_words_of_others,
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            type_and_place,
            renderer,
        ],
    }
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": formatter},
        "handlers": {"stderr": {"class": "leadpact.site.logs.ToStderr", "formatter": "line"}},
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": {
            # Django's own handlers would print the same once more, with paths.
            "django": {"handlers": [], "propagate": True},
            "django.server": {"handlers": [], "propagate": True},
            # A page not found is in the request's own line.
            "django.request": {"level": "ERROR"},
            # Clocks run every minute: only what goes wrong is worth a line.
            "procrastinate": {"level": "WARNING"},
            # Setting a review as PDF tells of each of its seven steps.
            "weasyprint": {"level": "ERROR"},
            "weasyprint.progress": {"level": "ERROR"},
            "fontTools": {"level": "ERROR"},
        },
    }


class RequestLog:
    """Middleware: one line a request, with its route, status and milliseconds."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response
        self.log = structlog.stdlib.get_logger("leadpact.requests")

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer, then say so."""
        begun = time.perf_counter()
        response = self.get_response(request)
        if not request.path.startswith(QUIET):
            self.log.info(
                "request",
                method=request.method,
                route=request.resolver_match.route if request.resolver_match else "(none)",
                status=response.status_code,
                ms=round((time.perf_counter() - begun) * 1000, 1),
            )
        return response
