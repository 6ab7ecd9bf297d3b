"""Pages that read many rooms."""

from __future__ import annotations

from django.urls import path

from leadpact.site import gallery

urlpatterns = [
    path("gallery/", gallery.show, name="gallery"),
]
