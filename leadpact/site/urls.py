"""Addresses. Every room has its own under its name; a room that brings no `urls` has none."""

from __future__ import annotations

from importlib.util import find_spec

from django.urls import URLPattern, URLResolver, include, path

from leadpact.site import health, schema
from leadpact.team.pages import entrance

# Prefix and module, in the order they are tried.
PARTS = (
    ("v1/", "leadpact.capture.tracking_urls"),
    ("api/v1/", "leadpact.site.api_urls"),
    ("", "leadpact.site.page_urls"),
    ("capture/", "leadpact.capture.urls"),
    ("qualification/", "leadpact.qualification.urls"),
    ("distribution/", "leadpact.distribution.urls"),
    ("nurturing/", "leadpact.nurturing.urls"),
    ("tracking/", "leadpact.tracking.urls"),
    ("tuning/", "leadpact.tuning.urls"),
    ("agreement/", "leadpact.agreement.urls"),
    ("custody/", "leadpact.custody.urls"),
    ("team/", "leadpact.team.urls"),
)

urlpatterns: list[URLPattern | URLResolver] = [
    path("health/live", health.live),
    path("health/ready", health.ready),
    path("agreement/schema.json", schema.agreement),
    path("accounts/login/", entrance.log_in, name="account_login"),
    path("accounts/2fa/", include("allauth.mfa.urls")),
    path("accounts/", include("allauth.account.urls")),
    *(path(prefix, include(module)) for prefix, module in PARTS if find_spec(module)),
]
