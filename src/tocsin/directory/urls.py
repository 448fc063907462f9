"""Addresses of the directory. The names without a space are those that the side bar knows places by."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, include, path

from tocsin.directory.views import changes, constituents, members, work

_pages = [
    path("", constituents.constituents, name="list"),
    path("add/", constituents.add_constituent, name="add"),
    path("import/", work.import_files, name="import"),
    path("attribution/", work.progress, name="attribution"),
    path("changes/", changes.changes, name="changes"),
    path("changes/approve/", changes.approve_several, name="approve-changes"),
    path("changes/<int:pk>/", changes.change, name="change-asked-for"),
    path("conflicts/", work.conflicts, name="conflicts"),
    path("conflicts/<int:one>-<int:other>/", work.settle, name="settle"),
    path("constituents/<str:public_id>/", constituents.constituent, name="constituent"),
    path("constituents/<str:public_id>/relations/", constituents.relations, name="relations"),
    path("constituents/<str:public_id>/change/", constituents.change_constituent, name="change"),
    path("constituents/<str:public_id>/claims/add/", constituents.add_claim, name="add-claim"),
    path("constituents/<str:public_id>/contacts/add/", constituents.add_contact, name="add-contact"),
    path("constituents/<str:public_id>/members/add/", members.add_member, name="add-member"),
    path("constituents/<str:public_id>/members/<int:pk>/", members.change_membership, name="change-member"),
    path("constituents/<str:public_id>/members/<int:pk>/end/", members.end_membership, name="end-member"),
    path("claims/<int:pk>/confirm/", constituents.confirm_claim, name="confirm-claim"),
    path("claims/<int:pk>/end/", constituents.end_claim, name="end-claim"),
    path("contacts/<int:pk>/", constituents.change_contact, name="change-contact"),
]

urlpatterns: list[URLPattern | URLResolver] = [
    path("directory/", constituents.constituents, name="directory"),
    path("directory/conflicts/", work.conflicts, name="overlapping-claims"),
    path("directory/changes/", changes.changes, name="changes-asked-for"),
    path("directory/", include((_pages, "directory"))),
]
