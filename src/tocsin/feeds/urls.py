"""Addresses of the room. The names without a space are those that the side bar knows places by."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, include, path

from tocsin.feeds.views import answers, exporting, feeds, finding, findings, quarantine, runs, situation, unattributed

_pages = [
    path("findings/work/", findings.work_on_findings, name="work"),
    path("findings/export.<str:form>", exporting.export, name="export"),
    path("findings/answers/judge/", answers.judge, name="judge"),
    path("findings/<str:public>/", finding.finding, name="finding"),
    path("findings/<str:public>/note/", finding.note, name="note"),
    path("findings/<str:public>/owner/", finding.give, name="give"),
    path("findings/<str:public>/answer/", finding.answer, name="answer"),
    path("feeds/cycles/decide/", feeds.decide, name="decide"),
    path("feeds/orders/<int:pk>/", feeds.order, name="order"),
    path("feeds/terms/<slug:code>/", feeds.terms, name="terms"),
    path("feeds/runs/<int:pk>/", runs.run, name="run"),
    path("feeds/runs/<int:pk>/progress/", runs.progress, name="progress"),
    path("feeds/runs/<int:pk>/withdraw/", runs.withdraw, name="withdraw"),
    path("feeds/runs/<int:pk>/replay/", runs.replay, name="replay"),
    path("directory/unattributed/claim/", unattributed.claim_for, name="claim-for"),
]

urlpatterns: list[URLPattern | URLResolver] = [
    path("", situation.situation, name="situation"),
    path("findings/", findings.findings, name="findings"),
    path("findings/answers/", answers.answers, name="answers"),
    path("feeds/", feeds.feeds, name="feeds"),
    path("feeds/quarantine/", quarantine.quarantine, name="quarantine"),
    path("directory/unattributed/", unattributed.unattributed, name="unattributed"),
    path("", include((_pages, "feeds"))),
]
