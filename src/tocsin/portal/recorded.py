"""What rows of the room say."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from tocsin.audit import wording
from tocsin.audit.wording import Data, Group


def _findings(data: Data) -> str:
    number = len(data["webhooks"])
    said = ngettext("{n} webhook told what import {run} brought", "{n} webhooks told what import {run} brought", number)
    return said.format(n=number, run=data["run"])


def _notice(data: Data) -> str:
    return _("Webhooks told that notice {notice} was sent").format(notice=data["notice"])


_SENTENCES: dict[str, Any] = {"findings.announced": _findings, "notice.announced": _notice}
wording.register(Group("portal", gettext_lazy("Told by webhook"), _SENTENCES))
