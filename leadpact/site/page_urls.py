"""Pages that read many rooms."""

from __future__ import annotations

from django.urls import path

from leadpact.site import (
    erasing_pages,
    gallery,
    home,
    lead_pages,
    leaving,
    meeting_pages,
    merging_pages,
    search,
    tracking_pages,
)

urlpatterns = [
    path("", home.home, name="home"),
    path("leads/<int:lead_id>/", lead_pages.lead, name="lead"),
    *(
        path(f"leads/<int:lead_id>/{verb}/", lead_pages.nurture, {"verb": verb}, name="nurture")
        for verb in ("mend", "wake", "disqualify")
    ),
    path("leads/<int:lead_id>/export/", erasing_pages.export, name="export_person"),
    path("leads/<int:lead_id>/erase/", erasing_pages.erase, name="erase_person"),
    path("touches/<int:touch_id>/void/", lead_pages.void_touch, name="void_touch"),
    path("leads/accounts/<int:account_id>/", lead_pages.account, name="account"),
    path("tracking/", tracking_pages.overview, name="tracking"),
    path("capture/duplicates/<int:question_id>/", merging_pages.decide, name="decide_duplicate"),
    path("capture/mergers/<int:merge_id>/part/", merging_pages.part, name="part"),
    path("tuning/reviews/", meeting_pages.overview, name="reviews"),
    path("tuning/reviews/<int:number>/", meeting_pages.show, name="review"),
    path("tuning/reviews/<int:number>/note/", meeting_pages.note, name="review_note"),
    path("tuning/reviews/<int:number>/review.pdf", meeting_pages.paper, {"ending": "pdf"}, name="review_pdf"),
    path("tuning/reviews/<int:number>/review.html", meeting_pages.paper, {"ending": "html"}, name="review_html"),
    path("search", search.search, name="search"),
    path("gallery/", gallery.show, name="gallery"),
    path("team/<int:user_id>/leave/", leaving.leave, name="team_leave"),
]
