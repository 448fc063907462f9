"""Addresses of the room. The name without a space is the one that the side bar knows the place by."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, include, path

from tocsin.notices.views import hold_outs, notices, policies, suppressions, verifying

_pages = [
    path("prepare/", notices.prepare, name="prepare"),
    path("send/", notices.send_all, name="send-all"),
    path("verify/", verifying.verify, name="verify"),
    path("policies/", policies.policies, name="policies"),
    path("policies/add/", policies.add, name="add-policy"),
    path("policies/<int:pk>/", policies.change, name="change-policy"),
    path("policies/<int:pk>/end/", policies.end, name="end-policy"),
    path("suppressions/", suppressions.suppressions, name="suppressions"),
    path("suppressions/add/", suppressions.add, name="add-suppression"),
    path("suppressions/<int:pk>/end/", suppressions.end, name="end-suppression"),
    path("hold-outs/", hold_outs.hold_outs, name="hold-outs"),
    path("hold-outs/begin/", hold_outs.begin, name="begin-hold-out"),
    path("hold-outs/<int:pk>/end/", hold_outs.end, name="end-hold-out"),
    path("hold-outs/<int:pk>/tell/", hold_outs.tell, name="exempt-from-hold-out"),
    path("planned/<str:public_id>/", notices.planned, name="planned"),
    path("<str:reference>/", notices.notice, name="notice"),
    path("<str:reference>/read/", notices.read, name="read"),
    path("<str:reference>/send/", notices.send, name="send"),
    path("<str:reference>/discard/", notices.discard, name="discard"),
    path("<str:reference>/findings.csv", notices.attachment, name="attachment"),
]

urlpatterns: list[URLPattern | URLResolver] = [
    path("notices/", notices.notices, name="notices"),
    path("notices/", include((_pages, "notices"))),
]
