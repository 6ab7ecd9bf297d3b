"""Django's name for this room."""

from django.apps import AppConfig


class TeamConfig(AppConfig):
    name = "leadpact.team"
    label = "team"
    default_auto_field = "django.db.models.BigAutoField"
