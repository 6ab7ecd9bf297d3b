"""Addresses of distribution."""

from django.urls import path

from leadpact.distribution import pages

urlpatterns = [
    path("", pages.inbox, name="inbox"),
    *(path(f"<int:lead_id>/{verb}/", pages.answer, {"verb": verb}, name="answer") for verb in pages.VERBS),
]
