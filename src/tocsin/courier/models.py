"""What goes out: messages with the bytes that are sent at every try, and how the line they go by stands."""

from __future__ import annotations

from django.db import models

from tocsin.courier.choices import Channel, Held, State
from tocsin.courier.incoming.received import ReceivedMessage
from tocsin.kernel.tlp import TLP

__all__ = ["Line", "OutgoingMessage", "ReceivedMessage", "Webhook"]


class OutgoingMessage(models.Model):
    """One message to one recipient, written in the transaction of the action that wants it."""

    key = models.CharField(max_length=24, unique=True)
    """By lot. The Message-ID is made of it, and so is the id of a webhook's delivery."""
    idempotency = models.CharField(max_length=200, unique=True)
    """The caller's: a second message with the same is not made."""
    channel = models.CharField(max_length=10, choices=Channel.choices)
    recipient = models.CharField(max_length=320)
    """An address of mail, or the name of a webhook."""
    webhook = models.ForeignKey("Webhook", on_delete=models.PROTECT, null=True, blank=True, related_name="messages")
    subject = models.CharField(max_length=300, blank=True)
    """For the list of staff; what is sent stands in `content`."""
    tlp = models.CharField(max_length=12, choices=[(label.value, label.label) for label in TLP])
    severity = models.PositiveSmallIntegerField(default=6)
    """1 goes first."""
    is_exercise = models.BooleanField(default=False)
    protection = models.CharField(max_length=20, blank=True)
    """How the content is protected: `signed`, `encrypted`, `both`, or not at all."""
    reference_room = models.CharField(max_length=40, blank=True)
    reference_key = models.CharField(max_length=100, blank=True)
    """Whose message it is, for the room that listens to what becomes of it."""

    state = models.CharField(max_length=12, choices=State.choices, default=State.QUEUED)
    why_held = models.CharField(max_length=20, choices=Held.choices, blank=True)
    made_at = models.DateTimeField()
    next_at = models.DateTimeField()
    """Not tried before."""
    attempts = models.PositiveIntegerField(default=0)
    """How often it was claimed. Also tells an old lease from a newer one."""
    failing_since = models.DateTimeField(null=True, blank=True)
    """When the recipient's side first put it off."""
    leased_by = models.CharField(max_length=200, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    last_answer = models.TextField(blank=True)
    """What the other side said last, as text to be shown."""
    was_recipient_refused = models.BooleanField(default=False)
    """Whether, when it was refused, that was said of the recipient and not of the content."""
    content = models.BinaryField()
    """The bytes that are sent: the same at every try."""
    fixed_at = models.DateTimeField(null=True, blank=True)
    """Since when they stay, where the room looks at them anew before they leave (see `leaving`)."""

    class Meta:
        constraints = (
            models.CheckConstraint(
                name="outgoing_sending_has_a_lease",
                condition=~models.Q(state=State.SENDING) | models.Q(lease_until__isnull=False),
            ),
            models.CheckConstraint(
                name="outgoing_severity_known", condition=models.Q(severity__gte=1, severity__lte=6)
            ),
            models.CheckConstraint(
                name="outgoing_exercise_never_leaves",
                condition=models.Q(is_exercise=False) | models.Q(state__in=(State.HELD, State.DISMISSED)),
            ),
        )
        indexes = (
            models.Index(
                name="outgoing_next", fields=["severity", "made_at", "id"], condition=models.Q(state=State.QUEUED)
            ),
            models.Index(name="outgoing_leases", fields=["lease_until"], condition=models.Q(state=State.SENDING)),
            models.Index(name="outgoing_listed", fields=["state", "-made_at"]),
            models.Index(name="outgoing_reference", fields=["reference_room", "reference_key"]),
        )

    def __str__(self) -> str:
        return f"message {self.key}"


class Line(models.Model):
    """The one row about the way out: whether somebody has stopped it, and how the mail server answers."""

    NUMBER = 1

    is_stopped = models.BooleanField(default=False)
    reason = models.CharField(max_length=500, blank=True)
    changed_at = models.DateTimeField(null=True, blank=True)
    changed_by = models.CharField(max_length=400, blank=True)
    problem = models.TextField(blank=True)
    """Why the mail server takes nothing; empty while it does."""
    failing_since = models.DateTimeField(null=True, blank=True)
    tries = models.PositiveIntegerField(default=0)
    next_at = models.DateTimeField(null=True, blank=True)
    """The mail server is not asked before."""

    class Meta:
        constraints = (models.CheckConstraint(name="line_is_one", condition=models.Q(pk=1)),)

    def __str__(self) -> str:
        return "the line"


class Webhook(models.Model):
    """Where somebody wants to be told by machine, and the secret by which they know it was us."""

    key = models.CharField(max_length=24, unique=True)
    url = models.CharField(max_length=2000)
    secret = models.CharField(max_length=100)
    """Needed for each signature, and therefore kept; shown once, when it is made."""
    old_secret = models.CharField(max_length=100, blank=True)
    """The one before, by which is signed too until `old_secret_until`."""
    old_secret_until = models.DateTimeField(null=True, blank=True)
    events = models.JSONField(default=list, blank=True)
    """Names of what it is told of; whose they are decides what they mean."""
    label = models.CharField(max_length=200, blank=True)
    reference_room = models.CharField(max_length=40, blank=True)
    reference_key = models.CharField(max_length=100, blank=True)
    made_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    is_gone = models.BooleanField(default=False)
    """Whether it ended because the other side said that it is there no more."""

    class Meta:
        indexes = (models.Index(name="webhook_reference", fields=["reference_room", "reference_key"]),)
        constraints = (
            models.CheckConstraint(name="webhook_is_encrypted", condition=models.Q(url__startswith="https://")),
        )

    def __str__(self) -> str:
        return self.label or self.url
