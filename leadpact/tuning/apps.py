"""Django's name for this room."""

from django.apps import AppConfig


class TuningConfig(AppConfig):
    name = "leadpact.tuning"
    label = "tuning"
    default_auto_field = "django.db.models.BigAutoField"
