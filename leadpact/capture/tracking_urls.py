"""Addresses of the tracking API, under `v1/`."""

from __future__ import annotations

from leadpact.capture.api import tracking_urls

urlpatterns = tracking_urls()
