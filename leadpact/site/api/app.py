"""The API put together, and its addresses: whatever happens under them is answered as a problem, never as a page."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from http import HTTPStatus
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import URLPattern, re_path
from django.views.decorators.csrf import csrf_exempt
from ninja import NinjaAPI
from ninja.openapi.schema import OpenAPISchema
from ninja.operation import Operation

from leadpact.site import api as package
from leadpact.site.api import figures, leads, problems, verbs
from leadpact.site.api.shapes import ProblemShape


def _release() -> str:
    try:
        return version("leadpact")
    except PackageNotFoundError:  # run from a checkout that was not installed
        return "0"


class Api(NinjaAPI):
    """Ninja's, whose schema tells of problems as well: any operation may answer one."""

    def get_openapi_operation_id(self, operation: Operation) -> str:
        """The function's name: programs made from the schema call it so."""
        return str(operation.view_func.__name__)

    def get_openapi_schema(
        self, *, path_prefix: str | None = None, path_params: dict[str, Any] | None = None
    ) -> OpenAPISchema:
        """The schema, version 3.1."""
        schema = super().get_openapi_schema(path_prefix=path_prefix, path_params=path_params)
        for operations in schema["paths"].values():
            for operation in operations.values():
                operation["responses"]["default"] = {"$ref": "#/components/responses/Problem"}
        content = {problems.CONTENT_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
        schema["components"]["schemas"]["Problem"] = ProblemShape.model_json_schema()
        schema["components"]["responses"] = {
            "Problem": {"description": "What went wrong (RFC 9457).", "content": content}
        }
        return schema


api = Api(
    title="leadpact",
    version=_release(),
    description=package.__doc__ or "",
    urls_namespace="api",
    openapi_url="/openapi.json",
    docs_url=None,
)
problems.connect(api)
for part in (leads, verbs, figures):
    api.add_router("", part.router)


def _told(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """The view, with a refused method as a problem, and nothing kept by caches."""

    @wraps(view)
    def answered(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        response = view(request, *args, **kwargs)
        if response.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
            allow = response.headers.get("Allow", "")
            sentence = f"This address is asked with {allow}." if allow else "This address is asked with another method."
            response = problems.Problem(
                HTTPStatus.METHOD_NOT_ALLOWED, "wrong_method", sentence, headers={"Allow": allow}
            ).response()
        response.headers.setdefault("Cache-Control", "no-store")
        return response

    return answered


@csrf_exempt
def nowhere(request: HttpRequest) -> HttpResponse:
    """Everything else under the prefix."""
    return problems.nowhere().response()


def addresses() -> tuple[list[Any], str, str]:
    """What `path("", …)` takes, without the prefix `api/v1/`."""
    found, application, namespace = api.urls
    for pattern in found:
        if isinstance(pattern, URLPattern):
            pattern.callback = _told(pattern.callback)
    return [*found, re_path(r"^.+$", nowhere)], application, namespace
