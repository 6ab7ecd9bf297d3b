"""Django's name for this room."""

from django.apps import AppConfig


class NurturingConfig(AppConfig):
    name = "leadpact.nurturing"
    label = "nurturing"
    default_auto_field = "django.db.models.BigAutoField"
