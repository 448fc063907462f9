"""Addresses of the room, below /my/. What a place of `navigation` is called stands here as a name."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, include, path

from tocsin.portal import entry_urls, webhook_urls
from tocsin.portal.views import finding, findings, notices, overview

_pages: list[URLPattern | URLResolver] = [
    path("findings/", findings.findings, name="findings"),
    path("findings/answer/", findings.answer, name="answer"),
    path("findings/export.<str:form>", findings.export, name="export"),
    path("findings/<str:public>/", finding.finding, name="finding"),
    path("notices/", notices.notices, name="notices"),
    path("notices/<str:reference>/", notices.notice, name="notice"),
    *entry_urls.urlpatterns,
    *webhook_urls.urlpatterns,
]

urlpatterns: list[URLPattern | URLResolver] = [
    path("my/", overview.overview, name="my"),
    path("my/", include((_pages, "my"))),
]
