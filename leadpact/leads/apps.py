"""Django's name for this room."""

from django.apps import AppConfig


class LeadsConfig(AppConfig):
    name = "leadpact.leads"
    label = "leads"
    default_auto_field = "django.db.models.BigAutoField"
