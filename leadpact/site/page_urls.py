"""Pages that read many rooms."""

from __future__ import annotations

from django.urls import path, re_path

from leadpact.site import gallery, home, lead_pages, leaving, search, tracking_pages

urlpatterns = [
    path("", home.home, name="home"),
    path("leads/<int:lead_id>/", lead_pages.lead, name="lead"),
    re_path(r"^leads/(?P<lead_id>\d+)/(?P<verb>mend|wake|disqualify)/$", lead_pages.nurture, name="nurture"),
    path("touches/<int:touch_id>/void/", lead_pages.void_touch, name="void_touch"),
    path("leads/accounts/<int:account_id>/", lead_pages.account, name="account"),
    path("tracking/", tracking_pages.overview, name="tracking"),
    path("search", search.search, name="search"),
    path("gallery/", gallery.show, name="gallery"),
    path("team/<int:user_id>/leave/", leaving.leave, name="team_leave"),
]
