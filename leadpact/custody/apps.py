"""Django's name for this room."""

from django.apps import AppConfig


class CustodyConfig(AppConfig):
    name = "leadpact.custody"
    label = "custody"
    default_auto_field = "django.db.models.BigAutoField"
