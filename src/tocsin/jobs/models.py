"""The table of jobs."""

from __future__ import annotations

from django.db import models

from tocsin.jobs.choices import State


class Job(models.Model):
    """One piece of work."""

    kind = models.CharField(max_length=100)
    """Names the function that does it: `feeds.import`."""
    payload = models.JSONField(default=dict)
    key = models.CharField(max_length=200, null=True, blank=True, unique=True)  # NULLs are not equal to each other
    """Idempotency key: a second job with the same key is not made."""
    state = models.CharField(max_length=10, choices=State.choices, default=State.WAITING)
    made_at = models.DateTimeField()
    run_after = models.DateTimeField()
    attempts = models.PositiveIntegerField(default=0)
    """How often it was claimed. Also tells an old lease from a newer one."""
    leased_by = models.CharField(max_length=200, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    """Until when the worker has it; a worker that lives renews it."""
    progress = models.FloatField(default=0.0)
    """Share done, 0 to 1."""
    progress_text = models.CharField(max_length=400, blank=True)
    last_error = models.TextField(blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = (
            models.CheckConstraint(
                name="job_running_has_a_lease",
                condition=~models.Q(state=State.RUNNING) | models.Q(lease_until__isnull=False),
            ),
            models.CheckConstraint(
                name="job_progress_is_a_share", condition=models.Q(progress__gte=0.0, progress__lte=1.0)
            ),
        )
        indexes = (
            models.Index(name="job_next", fields=["run_after", "id"], condition=models.Q(state=State.WAITING)),
            models.Index(name="job_leases", fields=["lease_until"], condition=models.Q(state=State.RUNNING)),
        )

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"
