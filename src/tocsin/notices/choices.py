"""The closed lists of the room, with their words."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from tocsin.kernel.tlp import TLP

ROOM = "notices"
"""By which messages in the outbox are known as ours."""
NOTICE_SENT = "notice.sent"
"""What a webhook is told of that is told of notices."""
OF_CONSTITUENTS = "directory"
"""By which webhooks are known as those of constituents."""


class Channel(models.TextChoices):
    """By which way a notice goes."""

    MAIL = "mail", _("By mail")
    PORTAL = "portal", _("On the constituent’s own pages")
    WEBHOOK = "webhook", _("By webhook")


class Attachment(models.TextChoices):
    """What goes with the text."""

    CSV = "csv", _("All findings as a CSV file")
    NONE = "none", pgettext_lazy("attachment of a notice", "None")


class NoticeState(models.TextChoices):
    """How far a notice is."""

    PLANNED = "planned", pgettext_lazy("state of a notice", "Prepared")
    PREVIEWED = "previewed", pgettext_lazy("state of a notice", "Read by the team")
    QUEUED = "queued", pgettext_lazy("state of a notice", "Waits to be sent")
    SENT = "sent", pgettext_lazy("state of a notice", "Sent")
    DELIVERED = "delivered", pgettext_lazy("state of a notice", "Delivered")
    BOUNCED = "bounced", pgettext_lazy("state of a notice", "Came back undelivered")
    READ = "read", pgettext_lazy("state of a notice", "Read")
    ACTED = "acted", pgettext_lazy("state of a notice", "Acted on")
    DISCARDED = "discarded", pgettext_lazy("state of a notice", "Discarded")


class Happening(models.TextChoices):
    """What else stands in a ledger: it moves no notice."""

    IN_CLEAR = "in-clear", _("Goes in clear: no OpenPGP key of its recipient is known")
    REPLIED = "replied", _("A reply came, to be read")
    AUTOMATIC = "automatic", _("An automatic message came back")
    STRUCK = "struck", _("Struck off before it left: not so any more")


PENDING = (NoticeState.PLANNED, NoticeState.PREVIEWED, NoticeState.QUEUED)
"""States of a notice that has not left: its findings are in no other."""
UNSENT = (NoticeState.PLANNED, NoticeState.PREVIEWED)
"""States of a notice that nobody has sent."""


WENT_OUT = (NoticeState.SENT, NoticeState.DELIVERED, NoticeState.READ, NoticeState.ACTED)
"""States of a notice that was told and did not come back."""


class Why(models.TextChoices):
    """Why a finding stands in a notice."""

    NEW = "new", pgettext_lazy("why a finding is told", "New")
    RETURNED = "returned", pgettext_lazy("why a finding is told", "Came back")
    ESCALATED = "escalated", pgettext_lazy("why a finding is told", "Still open")
    DIGEST = "digest", pgettext_lazy("why a finding is told", "Weekly list")


class Struck(models.TextChoices):
    """Why a finding is struck off a notice before it leaves. In the order in which they are looked at."""

    UNSERVED = "unserved", _("the organisation is suspended or former")
    UNKNOWN = "unknown", _("no longer in any report")
    MOVED = "moved", _("somebody else’s by now")
    GONE = "gone", pgettext_lazy("why a finding is struck off", "gone")
    SUPPRESSED = "suppressed", pgettext_lazy("why a finding is struck off", "suppressed")
    TLP = "tlp", _("its label is stricter by now")
    ANSWERED = "answered", pgettext_lazy("why a finding is struck off", "answered")
    REACTED = "reacted", _("somebody has reacted")
    TOLD = "told", _("told by another notice")
    UNTOLD = "untold", _("what was told before came back undelivered")
    HELD_OUT = "held-out", pgettext_lazy("why a finding is struck off", "held out")


class Kept(models.TextChoices):
    """Whether the text of a notice that left is kept as it was, and why it is written anew where it is not."""

    AS_SENT = "as-sent", _("As it was sent")
    AS_STOOD = "as-stood", _("As it has stood on these pages from the first")
    ENCRYPTED = "encrypted", _("It was sent encrypted, so it is written anew here, with the findings as they are now.")
    ON_PAGES = (
        "on-pages",
        _("It was told on these pages and sent nowhere. It is written anew here, with the findings as they are now."),
    )
    NOT = "not", _("What was sent is not kept. It is written anew here, with the findings as they are now.")


AS_IT_WAS = (Kept.AS_SENT, Kept.AS_STOOD)


class Whom(models.TextChoices):
    """Who is told: first the security contact, then, when nobody reacts, the next ones."""

    SECURITY = "security", _("Security contact")
    SECOND = "second", _("Second contact")
    PARENT = "parent", _("Parent organisation")
    REGULATOR = "regulator", _("Regulator")


OF_ONES_OWN = (Whom.SECURITY, Whom.SECOND)
"""Those of the constituent itself."""


class Waits(models.TextChoices):
    """Why an open finding is not told now. In the order in which they are looked at."""

    UNSERVED = "unserved", _("The constituent is suspended or former")
    NO_POLICY = "no-policy", _("No policy is for it")
    SUPPRESSED = "suppressed", _("Suppressed")
    BELOW = "below", _("Less severe than the policy tells")
    TLP = "tlp", _("Its label is stricter than the policy allows")
    PREPARED = "prepared", _("In a notice that is prepared")
    HELD_OUT = "held-out", _("Held out, to see whether telling helps")
    ANSWERED = "answered", _("Answered by its holder, and the answer stands")
    TOLD = "told", _("Told, and unchanged since")
    NOBODY = "nobody", _("Nobody can be told")
    BEHIND = "behind", _("Behind a notice that is prepared and has not left")
    INTERVAL = "interval", _("The last notice left too recently")


TLP_CHOICES = [(label.value, label.label) for label in TLP]
