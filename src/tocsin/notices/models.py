"""Tables of the room.

A policy, a suppression and a notice are never deleted: what was told rests on
them. Findings are no rows (they stand in the engine's files), so what was told
of one is keyed by its public id.
"""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from tocsin.directory.models import Constituent, Contact
from tocsin.notices import noted
from tocsin.notices.choices import TLP_CHOICES, Attachment, Channel, Happening, NoticeState, Whom, Why


class Policy(models.Model):
    """To whom of the constituents it is for, what is told, when and how. The most specific one holds."""

    constituent = models.ForeignKey(Constituent, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    sector = models.CharField(max_length=40, blank=True)
    """Of constituents; empty together with `constituent` for everybody."""
    category = models.CharField(max_length=60, blank=True)
    """RSIT type; empty for every one."""
    threshold = models.PositiveSmallIntegerField(default=4)
    """The mildest severity that is told: 6 for all."""
    interval_hours = models.PositiveIntegerField(default=24)
    """A constituent gets one notice by this policy in so many hours at most."""
    work_days = models.JSONField(default=list, blank=True)
    """0 is Monday; empty for any day."""
    works_from = models.TimeField(null=True, blank=True)
    works_until = models.TimeField(null=True, blank=True)
    time_zone = models.CharField(max_length=60, blank=True)
    """Of the working hours; empty for the instance's."""
    channel = models.CharField(max_length=10, choices=Channel.choices, default=Channel.MAIL)
    language = models.CharField(max_length=20, blank=True)
    """Empty for the contact's own."""
    attachment = models.CharField(max_length=10, choices=Attachment.choices, default=Attachment.CSV)
    tlp = models.CharField(max_length=12, choices=TLP_CHOICES, default="AMBER")
    """The strictest label that may go out by it."""
    sign = models.BooleanField(default=True)
    encrypt = models.BooleanField(default=True)
    second_after_days = models.PositiveSmallIntegerField(null=True, blank=True)
    parent_after_days = models.PositiveSmallIntegerField(null=True, blank=True)
    regulator_after_days = models.PositiveSmallIntegerField(null=True, blank=True)
    regulator = models.ForeignKey(Constituent, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    digest = models.BooleanField(default=False)
    """Whether what is told and still open comes again in a weekly list."""
    is_active = models.BooleanField(default=True)
    changed_at = models.DateTimeField()

    class Meta:
        ordering = ("id",)
        constraints = (
            models.CheckConstraint(
                condition=Q(constituent__isnull=True) | Q(sector=""), name="notices_policy_has_one_scope"
            ),
            models.CheckConstraint(condition=Q(threshold__range=(1, 6)), name="notices_threshold_is_a_severity"),
            models.CheckConstraint(
                condition=Q(regulator_after_days__isnull=True) | Q(regulator__isnull=False),
                name="notices_regulator_is_named",
            ),
            models.UniqueConstraint(
                fields=("constituent", "category"),
                condition=Q(is_active=True, constituent__isnull=False),
                name="notices_one_policy_a_constituent",
            ),
            models.UniqueConstraint(
                fields=("sector", "category"),
                condition=Q(is_active=True, constituent__isnull=True),
                name="notices_one_policy_a_sector",
            ),
        )

    def __str__(self) -> str:
        return f"{self.pk}"


class Suppression(models.Model):
    """What is not told until a day, and why. Every part that it names must fit."""

    constituent = models.ForeignKey(Constituent, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    category = models.CharField(max_length=60, blank=True)
    finding = models.CharField(max_length=26, blank=True)
    network = models.CharField(max_length=43, blank=True)
    until = models.DateField()
    """The last day."""
    reason = models.TextField()
    author_label = models.CharField(max_length=200)
    added_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("until", "id")
        constraints = (
            models.CheckConstraint(
                condition=Q(constituent__isnull=False) | ~Q(category="") | ~Q(finding="") | ~Q(network=""),
                name="notices_suppression_names_something",
            ),
            models.CheckConstraint(condition=~Q(reason=""), name="notices_suppression_has_a_reason"),
        )

    def __str__(self) -> str:
        return f"{self.pk}"


class HoldOut(models.Model):
    """Some organisations that are not told of a mild class of findings for a while, to see whether telling helps."""

    category = models.CharField(max_length=60)
    """RSIT type."""
    mildest = models.PositiveSmallIntegerField()
    """The mildest severity that policies tell of the class: what is milder is told to nobody anyway."""
    share = models.PositiveSmallIntegerField()
    """Per cent of organisations."""
    key = models.CharField(max_length=64)
    """By which it is drawn who is held out: see `rules.is_held_out`."""
    until = models.DateField()
    """The last day."""
    reason = models.TextField()
    author_label = models.CharField(max_length=200)
    began_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("-began_at", "-id")
        constraints = (
            models.CheckConstraint(condition=Q(share__range=(1, 50)), name="notices_hold_out_of_half_at_most"),
            models.CheckConstraint(condition=Q(mildest__range=(5, 6)), name="notices_hold_out_of_mild_ones"),
            models.CheckConstraint(condition=~Q(reason=""), name="notices_hold_out_has_a_reason"),
            models.UniqueConstraint(
                fields=("category",), condition=Q(ended_at__isnull=True), name="notices_one_hold_out_a_class"
            ),
        )

    def __str__(self) -> str:
        return f"{self.pk}"


class HoldOutExemption(models.Model):
    """A constituent that is told all the same, since it asked."""

    hold_out = models.ForeignKey(HoldOut, on_delete=models.PROTECT, related_name="exemptions")
    constituent = models.ForeignKey(Constituent, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()
    author_label = models.CharField(max_length=200)

    class Meta:
        ordering = ("at", "id")
        constraints = (models.UniqueConstraint(fields=("hold_out", "constituent"), name="notices_exempt_once"),)

    def __str__(self) -> str:
        return f"{self.pk}"


class Notice(models.Model):
    """What one constituent is told at one time, by one policy, through one person."""

    reference = models.CharField(max_length=16, unique=True)
    """What stands on it and is asked for by who wants to know whether it is ours."""
    constituent = models.ForeignKey(Constituent, on_delete=models.PROTECT, related_name="notices")
    """Whose findings they are; who is told may be of another."""
    policy = models.ForeignKey(Policy, on_delete=models.PROTECT, related_name="notices")
    step = models.PositiveSmallIntegerField(default=0)
    whom = models.CharField(max_length=10, choices=Whom.choices, default=Whom.SECURITY)
    contact = models.ForeignKey(Contact, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    to = models.CharField(max_length=254)
    """The address as it was."""
    state = models.CharField(max_length=10, choices=NoticeState.choices, default=NoticeState.PLANNED)
    language = models.CharField(max_length=20)
    tlp = models.CharField(max_length=12, choices=TLP_CHOICES)
    severity = models.PositiveSmallIntegerField()
    """The worst of its findings."""
    not_before = models.DateTimeField()
    made_at = models.DateTimeField()
    is_exercise = models.BooleanField(default=False)
    new = models.PositiveIntegerField(default=0)
    returned = models.PositiveIntegerField(default=0)
    escalated = models.PositiveIntegerField(default=0)
    digest = models.PositiveIntegerField(default=0)

    class Meta:
        ordering = ("-made_at", "-id")
        indexes = (
            models.Index(fields=("state", "not_before"), name="notices_by_state"),
            models.Index(fields=("constituent", "made_at"), name="notices_by_constituent"),
        )
        constraints = (
            models.CheckConstraint(condition=Q(state__in=NoticeState.values), name="notices_state_known"),
            models.CheckConstraint(
                condition=Q(new__gt=0) | Q(returned__gt=0) | Q(escalated__gt=0) | Q(digest__gt=0),
                name="notices_say_something",
            ),
        )

    def __str__(self) -> str:
        return self.reference

    @property
    def total(self) -> int:
        """How many findings stand in it."""
        return self.new + self.returned + self.escalated + self.digest


class NoticeFinding(models.Model):
    """A finding in a notice, and why it stands there."""

    notice = models.ForeignKey(Notice, on_delete=models.CASCADE, related_name="lines")
    finding = models.CharField(max_length=26, db_index=True)
    why = models.CharField(max_length=10, choices=Why.choices)
    returns = models.PositiveIntegerField(default=0)
    """How often it had come back by then."""

    class Meta:
        constraints = (models.UniqueConstraint(fields=("notice", "finding"), name="notices_tell_once"),)

    def __str__(self) -> str:
        return self.finding


class PageText(models.Model):
    """What a notice said that stands on own pages alone: of every other the outbox has the message."""

    notice = models.OneToOneField(Notice, on_delete=models.CASCADE, related_name="page_text")
    text = models.TextField()

    def __str__(self) -> str:
        return self.text


class LedgerEntry(models.Model):
    """What happened to a notice, and when. All of a constituent's notices together are its ledger."""

    notice = models.ForeignKey(Notice, on_delete=models.CASCADE, related_name="ledger")
    at = models.DateTimeField()
    what = models.CharField(max_length=10, choices=[*NoticeState.choices, *Happening.choices])
    note = models.CharField(max_length=500, blank=True)
    """What a person or a mail server said; of old entries, whatever was said."""
    said = models.JSONField(default=dict, blank=True)
    """What the software says of it, as `noted` keeps it: put into words when it is shown."""
    actor_label = models.CharField(max_length=200)
    received = models.PositiveBigIntegerField(null=True, blank=True)
    """Number of the received message that says so; none where no message does."""

    class Meta:
        ordering = ("at", "id")
        constraints = (
            models.UniqueConstraint(
                fields=("received",), condition=Q(received__isnull=False), name="notices_received_once"
            ),
        )

    def __str__(self) -> str:
        return self.what

    @property
    def words(self) -> str:
        """What is said of it beside its name, in the reader's language where the software says it."""
        return noted.words(self.said) or self.note


class Told(models.Model):
    """What a constituent knows of a finding from us, as `courses` reckons it from the ledgers: kept to be asked."""

    finding = models.CharField(max_length=26, unique=True)
    constituent = models.CharField(max_length=64)
    """Public id of who was told: another who holds it now knows nothing of it."""
    first_at = models.DateTimeField()
    """When it was told since it last came back."""
    last_at = models.DateTimeField()
    security_at = models.DateTimeField(null=True, blank=True)
    """When the security contact was told last; by it weekly lists are reckoned, whoever else was told since."""
    stepped_at = models.DateTimeField(null=True, blank=True)
    """When the last step was told: whoever comes next waits the days that lie between the two."""
    step = models.PositiveSmallIntegerField(default=0)
    returns = models.PositiveIntegerField(default=0)
    reacted_at = models.DateTimeField(null=True, blank=True)
    """When somebody there reacted: nobody else is told of it then."""
    opened = models.CharField(max_length=10, choices=Why.choices, default=Why.NEW)
    """Why the course began that it takes."""
    lost = models.JSONField(default=list, blank=True)
    """Steps of this course that were told to nobody, since what went out by them came back."""
    people = models.JSONField(default=list, blank=True)
    """Addresses of its own who were told in this course."""
    written_at = models.DateTimeField(null=True, blank=True)
    """When the latest of what they know was written, where it was read only later; empty for `last_at`."""

    class Meta:
        constraints = (models.CheckConstraint(condition=Q(first_at__lte=F("last_at")), name="notices_told_in_order"),)

    def __str__(self) -> str:
        return self.finding
