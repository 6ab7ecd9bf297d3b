"""Addresses of the REST API, without their prefix `api/v1/`."""

from __future__ import annotations

from django.urls import path

from leadpact.site.api.app import addresses

urlpatterns = [path("", addresses())]
