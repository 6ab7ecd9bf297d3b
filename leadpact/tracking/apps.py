"""Django's name for this room."""

from django.apps import AppConfig


class TrackingConfig(AppConfig):
    name = "leadpact.tracking"
    label = "tracking"
    default_auto_field = "django.db.models.BigAutoField"
