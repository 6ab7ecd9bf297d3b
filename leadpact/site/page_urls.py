"""Pages that read many rooms."""

from __future__ import annotations

from django.urls import path

from leadpact.site import gallery, leaving, search

urlpatterns = [
    path("search", search.search, name="search"),
    path("gallery/", gallery.show, name="gallery"),
    path("team/<int:user_id>/leave/", leaving.leave, name="team_leave"),
]
