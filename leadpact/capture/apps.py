"""Django's name for this room."""

from django.apps import AppConfig


class CaptureConfig(AppConfig):
    name = "leadpact.capture"
    label = "capture"
    default_auto_field = "django.db.models.BigAutoField"
