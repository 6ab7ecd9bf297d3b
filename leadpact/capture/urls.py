"""Addresses under /capture/."""

from __future__ import annotations

from django.urls import path

from leadpact.capture.pages import hand, hygiene, imports, keys

urlpatterns = [
    path("", hand.enter),
    path("imports/", imports.imports),
    path("imports/<int:run_id>/", imports.one_import),
    path("imports/<int:run_id>/confirm/", imports.confirm),
    path("imports/<int:run_id>/drop/", imports.drop),
    path("keys/", keys.keys),
    path("keys/<int:key_id>/revoke/", keys.revoke),
    path("machines/", hygiene.machines),
    path("duplicates/", hygiene.duplicates),
]
