"""The JSON Schema of agreement files, for editors. Open to all: it is the language, not anybody's agreement."""

from __future__ import annotations

import json
from functools import cache
from hashlib import sha256

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import condition, require_safe

from leadpact.language.schema import json_schema


@cache
def _written() -> tuple[bytes, str]:
    """The schema as bytes, and their mark for `If-None-Match`."""
    written = json.dumps(json_schema(), ensure_ascii=False, indent=1).encode()
    return written, f'"{sha256(written).hexdigest()[:32]}"'


def _mark(_request: HttpRequest) -> str:
    return _written()[1]


@require_safe
@condition(etag_func=_mark)
def agreement(request: HttpRequest) -> HttpResponse:
    """The schema. Editors fetch it without a log-in, those in a browser from pages of other hosts."""
    response = HttpResponse(_written()[0], content_type="application/schema+json")
    response["Access-Control-Allow-Origin"] = "*"
    response["Cache-Control"] = "public, max-age=3600"
    return response
