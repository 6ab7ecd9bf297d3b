"""Addresses of distribution."""

from django.urls import path, re_path

from leadpact.distribution import pages

urlpatterns = [
    path("", pages.inbox, name="inbox"),
    re_path(rf"^(?P<lead_id>\d+)/(?P<verb>{'|'.join(pages.VERBS)})/$", pages.answer, name="answer"),
]
