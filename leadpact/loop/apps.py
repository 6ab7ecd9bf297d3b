"""Django's name for this room."""

from django.apps import AppConfig


class LoopConfig(AppConfig):
    name = "leadpact.loop"
    label = "loop"
    default_auto_field = "django.db.models.BigAutoField"
