"""Addresses of the agreement."""

from django.urls import path

from leadpact.agreement.pages import drafting, reading, signing, talking

urlpatterns = [
    path("", reading.overview, name="agreement"),
    path("progress/", reading.progress, name="agreement_progress"),
    path("new/", drafting.draft, name="agreement_new"),
    path("<int:number>/", reading.version, name="agreement_version"),
    path("<int:number>/edit/", drafting.draft, name="agreement_edit"),
    path("<int:number>/revisions/", drafting.revisions, name="agreement_revisions"),
    path("<int:number>/revisions/<int:revision>/", drafting.revision, name="agreement_revision"),
    path("<int:number>/revisions/<int:revision>/settle/", drafting.settle, name="agreement_settle"),
    path("<int:number>/propose/", signing.propose, name="agreement_propose"),
    path("<int:number>/sign/", signing.sign, name="agreement_sign"),
    path("<int:number>/withdraw/", signing.withdraw, name="agreement_withdraw"),
    path("<int:number>/talk/", talking.talk, name="agreement_talk"),
    path("<int:number>/agreement.yaml", reading.download, name="agreement_file"),
]
