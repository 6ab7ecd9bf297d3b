"""Addresses of tracking; its overview reads tuning too and stands in `site`."""

from django.urls import path

from leadpact.tracking import pages

urlpatterns = [path("leads/", pages.leads, name="tracking_leads")]
