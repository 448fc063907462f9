"""The table of mail that came in. The messages themselves are files: see `keeping`."""

from __future__ import annotations

from django.db import models

from tocsin.courier.incoming.choices import Kind, Outcome, Quarantine, State

NULL_SENDER = "<>"
"""Envelope sender of bounces, as mail servers write it. Empty says that nobody told us."""


class ReceivedMessage(models.Model):
    """One delivery of one message. The same bytes for the same recipient are one, however often they come."""

    sha256 = models.CharField(max_length=64)
    """Of the message as it came; names its file."""
    size_bytes = models.PositiveIntegerField()
    envelope_sender = models.CharField(max_length=320, blank=True)
    envelope_recipient = models.CharField(max_length=320, blank=True)
    """Whom the mail server delivered it to, where it says so."""
    received_at = models.DateTimeField()
    state = models.CharField(max_length=12, choices=State.choices, default=State.KEPT)
    quarantine = models.CharField(max_length=20, choices=Quarantine.choices, blank=True)
    kind = models.CharField(max_length=10, choices=Kind.choices, blank=True)
    """Empty until it was looked into."""
    reference = models.CharField(max_length=24, blank=True)
    """Key of the message of ours that it is about, proven by a token; empty where nothing is proven."""
    is_to_be_read = models.BooleanField(default=False)
    """Whether it waits for somebody of the team."""
    read_at = models.DateTimeField(null=True, blank=True)
    read_by = models.CharField(max_length=200, blank=True)
    """Label of who read it last."""

    sender = models.CharField(max_length=320, blank=True)
    """As claimed, fit to be shown."""
    sender_address = models.CharField(max_length=330, blank=True)
    subject = models.CharField(max_length=500, blank=True)
    message_id = models.CharField(max_length=260, blank=True)
    sent_at = models.DateTimeField(null=True, blank=True)
    text = models.TextField(blank=True)
    details = models.JSONField(default=dict, blank=True)
    """`headers`, `attachments`, `addressed_to`, `references`, `defects`, `is_from_html`, `is_text_cut`."""

    outcome = models.CharField(max_length=10, choices=Outcome.choices, blank=True)
    """What a mail server says became of the message of ours."""
    status = models.CharField(max_length=16, blank=True)
    bounced_recipient = models.CharField(max_length=330, blank=True)
    bounce_reason = models.CharField(max_length=300, blank=True)

    class Meta:
        ordering = ("-received_at", "-pk")
        constraints = (
            models.UniqueConstraint(name="received_once", fields=["sha256", "envelope_recipient"]),
            models.CheckConstraint(
                name="received_kind_when_looked_into",
                condition=models.Q(state=State.KEPT) | ~models.Q(kind=""),
            ),
            models.CheckConstraint(
                name="received_quarantine_has_a_reason",
                condition=~models.Q(state=State.QUARANTINED) | ~models.Q(quarantine=""),
            ),
        )
        indexes = (
            models.Index(name="received_newest", fields=["-received_at", "-id"]),
            models.Index(name="received_unread", fields=["-received_at"], condition=models.Q(is_to_be_read=True)),
            models.Index(name="received_kept", fields=["received_at"], condition=models.Q(state=State.KEPT)),
            models.Index(name="received_reference", fields=["reference"]),
        )

    def __str__(self) -> str:
        return f"mail {self.pk}"
