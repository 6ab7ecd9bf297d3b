"""Addresses of nurturing."""

from django.urls import path

from leadpact.nurturing import pages

urlpatterns = [path("", pages.pool, name="pool")]
