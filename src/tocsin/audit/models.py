"""The audit trail: one row for each thing that was done, chained, never changed."""

from __future__ import annotations

import json
from typing import Any

from django.db import models


class AuditRow(models.Model):
    """One action, as it was. The database refuses to change or delete it (see the second migration)."""

    sequence = models.BigIntegerField(primary_key=True)
    """1, 2, 3 … without gaps: a missing number is a deleted row."""
    at = models.DateTimeField(db_index=True)
    actor_key = models.CharField(max_length=200)
    """Who, as key and label: history outlives accounts."""
    actor_label = models.CharField(max_length=400)
    code = models.CharField(max_length=100)
    data_json = models.TextField()
    """The event's fields as JSON text, kept as text because its exact bytes are hashed."""
    previous = models.CharField(max_length=64)
    """Hash of the row before."""
    hash = models.CharField(max_length=64)

    class Meta:
        ordering = ("sequence",)
        indexes = (
            # With the number: pages of what one did, or of a kind of rows, begin at any row without sorting all.
            models.Index(fields=("actor_key", "sequence"), name="audit_row_by_actor"),
            models.Index(fields=("code", "sequence"), name="audit_row_by_code"),
        )

    def __str__(self) -> str:
        return f"{self.sequence} {self.code}"

    @property
    def data(self) -> dict[str, Any]:
        """The event's fields."""
        return dict(json.loads(self.data_json))


class SignedHead(models.Model):
    """The head of the trail on a day, signed. The database refuses to change or delete it, too."""

    on = models.DateField(primary_key=True)
    sequence = models.BigIntegerField()
    """Number of the last row of the trail when it was signed."""
    hash = models.CharField(max_length=64)
    key = models.CharField(max_length=64)
    """The public key."""
    signature = models.CharField(max_length=88)

    class Meta:
        ordering = ("on",)

    def __str__(self) -> str:
        return f"head of {self.on}"
