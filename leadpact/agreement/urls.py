"""Addresses of the agreement."""

from django.urls import path

from leadpact.agreement.pages import drafting, reading, signing, talking, workshop

urlpatterns = [
    path("", reading.overview, name="agreement"),
    path("progress/", reading.progress, name="agreement_progress"),
    path("compare/", workshop.compare, name="agreement_compare"),
    path("new/", drafting.draft, name="agreement_new"),
    path("<int:number>/", reading.version, name="agreement_version"),
    path("<int:number>/edit/", drafting.draft, name="agreement_edit"),
    path("<int:number>/revisions/", drafting.revisions, name="agreement_revisions"),
    path("<int:number>/revisions/<int:revision>/", drafting.revision, name="agreement_revision"),
    path("<int:number>/revisions/<int:revision>/settle/", drafting.settle, name="agreement_settle"),
    path("<int:number>/propose/", signing.propose, name="agreement_propose"),
    path("<int:number>/sign/", signing.sign, name="agreement_sign"),
    path("<int:number>/withdraw/", signing.withdraw, name="agreement_withdraw"),
    path("<int:number>/workshop/", workshop.workshop, name="agreement_workshop"),
    path("<int:number>/workshop/figures/", workshop.show_figures, name="agreement_figures"),
    path("<int:number>/workshop/save/", workshop.save, name="agreement_save"),
    path("<int:number>/workshop/prepare/", workshop.prepare, name="agreement_prepare"),
    path("<int:number>/talk/", talking.talk, name="agreement_talk"),
    path("<int:number>/agreement.yaml", reading.download, name="agreement_file"),
]
