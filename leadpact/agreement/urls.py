"""Addresses of the agreement."""

from django.urls import path

from leadpact.agreement import pages

urlpatterns = [
    path("", pages.overview, name="agreement"),
    path("new/", pages.draft, name="agreement_new"),
    path("<int:number>/", pages.version, name="agreement_version"),
    path("<int:number>/edit/", pages.draft, name="agreement_edit"),
    path("<int:number>/propose/", pages.propose, name="agreement_propose"),
    path("<int:number>/sign/", pages.sign, name="agreement_sign"),
    path("<int:number>/agreement.yaml", pages.download, name="agreement_file"),
]
