"""Django's name for this room."""

from django.apps import AppConfig


class QualificationConfig(AppConfig):
    name = "leadpact.qualification"
    label = "qualification"
    default_auto_field = "django.db.models.BigAutoField"
