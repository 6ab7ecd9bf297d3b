"""Addresses of tuning."""

from django.urls import path

from leadpact.tuning import pages

urlpatterns = [path("guess/<int:lead_id>/", pages.guess, name="guess")]
