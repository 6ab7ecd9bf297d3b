"""Addresses under /team/."""

from __future__ import annotations

from django.urls import path

from leadpact.team.pages import entrance, keys, people

urlpatterns = [
    path("", people.people, name="team"),
    path("me/", people.me, name="team_me"),
    path("first/", entrance.first, name="team_first"),
    path("join/<str:secret>/", entrance.join, name="team_join"),
    path("invite/", entrance.invite, name="team_invite"),
    path("invitations/<int:invitation_id>/withdraw/", entrance.withdraw, name="team_withdraw"),
    path("keys/", keys.keys, name="team_keys"),
    path("keys/<int:key_id>/revoke/", keys.revoke, name="team_revoke"),
    path("absences/<int:absence_id>/remove/", people.come_back, name="team_come_back"),
    path("<int:user_id>/", people.person, name="team_person"),
    path("<int:user_id>/work/", people.work, name="team_work"),
    path("<int:user_id>/absences/", people.absences, name="team_absences"),
    path("<int:user_id>/password/", people.new_password, name="team_password"),
    path("<int:user_id>/open/", people.open_account, name="team_open"),
]
