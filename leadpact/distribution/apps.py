"""Django's name for this room."""

from django.apps import AppConfig


class DistributionConfig(AppConfig):
    name = "leadpact.distribution"
    label = "distribution"
    default_auto_field = "django.db.models.BigAutoField"
