"""Django's name for this room."""

from django.apps import AppConfig


class AgreementConfig(AppConfig):
    name = "leadpact.agreement"
    label = "agreement"
    default_auto_field = "django.db.models.BigAutoField"
