"""Which room answers which address."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, include, path

from tocsin.courier import views as outgoing
from tocsin.people.access import needs, public, signed_in
from tocsin.people.policy import Ability
from tocsin.site import api, views
from tocsin.site.health import health
from tocsin.site.trail import views as trail

urlpatterns: list[URLPattern | URLResolver] = [
    path("health", public(health), name="health"),
    path("sign-in/", include("tocsin.people.urls")),
    path("", include("tocsin.people.account_urls")),
    path("language/", public(views.choose_language), name="language"),
    path("keys/", signed_in(views.choose_keys), name="keys"),
    path("help/", signed_in(views.help_page), name="help"),
    path("search/", signed_in(views.search), name="search"),
    path("audit/", trail.trail, name="audit"),
    path("audit/<int:sequence>/", trail.row, name="audit-row"),
    path("audit/export.<str:form>", trail.export, name="audit-export"),
    path("parts/", public(views.parts), name="parts"),
    # The courier stands below the people and knows no abilities.
    path("outbox/", needs(Ability.VIEW_MAIL)(outgoing.outbox), name="outbox"),
    path("outbox/switch/", needs(Ability.STOP_MAIL)(outgoing.switch), name="outbox-switch"),
    path("outbox/<str:key>/decide/", needs(Ability.WORK_ON_MAIL)(outgoing.decide), name="outbox-decide"),
    path("api/v1/", api.patterns()),
    path("mail/received/", include("tocsin.site.received_mail.urls")),
    path("", include("tocsin.portal.urls")),
    path("", include("tocsin.effect.urls")),
    path("", include("tocsin.notices.urls")),
    path("", include("tocsin.feeds.urls")),
    path("", include("tocsin.directory.urls")),
]

handler500 = "tocsin.site.server_error.server_error"
