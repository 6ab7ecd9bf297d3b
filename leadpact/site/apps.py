"""Django's name for this room."""

from django.apps import AppConfig


class SiteConfig(AppConfig):
    name = "leadpact.site"
    label = "leadpact_site"
    default_auto_field = "django.db.models.BigAutoField"
