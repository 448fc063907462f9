"""The closed lists of the room, with their words."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop, pgettext_lazy

from tocsin.kernel.tlp import TLP


class RunState(models.TextChoices):
    """How far a run is."""

    RUNNING = "running", _("Running")
    DONE = "done", _("Done")
    FAILED = "failed", _("Failed")
    WITHDRAWN = "withdrawn", _("Withdrawn")


class Standing(models.TextChoices):
    """How a run stands, seen from now: see `standing`."""

    RUNNING = "running", _("Running")
    INTERRUPTED = "interrupted", _("Interrupted")
    DONE = "done", _("Done")
    UNREADABLE = "unreadable", _("Nothing could be read")
    FAILED = "failed", _("Failed")
    WITHDRAWN = "withdrawn", _("Withdrawn")


class ReportState(models.TextChoices):
    """Whether a report counts."""

    ACCEPTED = "accepted", _("Accepted")
    SUPERSEDED = "superseded", _("Read again as another")
    REPLACED = "replaced", _("Replaced by a correction")
    WITHDRAWN = "withdrawn", _("Withdrawn")


class DownloadState(models.TextChoices):
    """What became of a report that the publisher offered."""

    IMPORTED = "imported", _("Imported")
    BROKEN = "broken", _("Could not be read")
    REFUSED = "refused", _("Not downloaded")


class DecisionChoice(models.TextChoices):
    """What a person said about a held cycle."""

    NONE = "", _("None yet")
    CONFIRMED = "confirmed", _("Confirmed")
    DISCARDED = "discarded", _("Discarded")


class FindingState(models.TextChoices):
    """Where a finding is in its life."""

    NEW = "new", pgettext_lazy("state of a finding", "New")
    STILL = "still", pgettext_lazy("state of a finding", "Still open")
    RETURNED = "returned", pgettext_lazy("state of a finding", "Came back")
    GONE = "gone", pgettext_lazy("state of a finding", "Gone")


class Origin(models.TextChoices):
    """Who described the columns of a report."""

    BUILT_IN = "built-in", _("built in")
    PUBLISHED = "published", _("published schema")
    FILE = "file", _("mapping file")
    NONE = "none", pgettext_lazy("mapping", "none")


class AnswerKind(models.TextChoices):
    """What a constituent says of a finding, or the team on its behalf."""

    FIXED = "fixed", pgettext_lazy("answer to a finding", "It is fixed")
    ACCEPTED = "accepted", pgettext_lazy("answer to a finding", "We accept the risk")
    NOT_OURS = "not-ours", pgettext_lazy("answer to a finding", "It is not ours")
    FALSE_POSITIVE = "false-positive", pgettext_lazy("answer to a finding", "There is no such problem")
    TAKEN_BACK = "taken-back", pgettext_lazy("answer to a finding", "What we said before is taken back")


JUDGED = (AnswerKind.NOT_OURS, AnswerKind.FALSE_POSITIVE)
"""What the team has to agree to."""


class Verdict(models.TextChoices):
    """What the team says to an answer that it judges."""

    UPHELD = "upheld", pgettext_lazy("verdict on an answer", "Agreed")
    REFUSED = "refused", pgettext_lazy("verdict on an answer", "Not agreed")


class Stands(models.TextChoices):
    """How an answer stands: see `rules.stands`."""

    WAITS = "waits", pgettext_lazy("how an answer stands", "Waits for the next reports")
    CONFIRMED = "confirmed", pgettext_lazy("how an answer stands", "Confirmed by the reports")
    CONTRADICTED = "contradicted", pgettext_lazy("how an answer stands", "Seen again since")
    TO_JUDGE = "to-judge", pgettext_lazy("how an answer stands", "The team looks at it")
    HOLDS = "holds", pgettext_lazy("how an answer stands", "Holds")
    REFUSED = "refused", pgettext_lazy("how an answer stands", "Not agreed")
    ENDED = "ended", pgettext_lazy("how an answer stands", "Has ended")
    TAKEN_BACK = "taken-back", pgettext_lazy("how an answer stands", "Taken back")


SHADOWSERVER = "shadowserver"
"""Code of the feed whose reports are fetched."""
SHADOWSERVER_TERMS = gettext_noop(
    "For the networks of the recipient and of those it is responsible for. Not to be published or passed to others."
)
"""What a new instance says of the publisher's reports, until somebody of the team writes it otherwise."""
TLP_CHOICES = [(label.value, label.label) for label in TLP]
