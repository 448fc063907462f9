"""Tables of the room: what was reckoned last. Nothing rests on them; they are reckoned anew from what is there."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from tocsin.effect.choices import By, Comparison


class Measurement(models.Model):
    """One reckoning of all figures."""

    at = models.DateTimeField()
    basis = models.CharField(max_length=200)
    """What it was reckoned from: another one is due when this has changed."""
    lives = models.PositiveBigIntegerField()
    told = models.PositiveBigIntegerField()
    """Of these, told while they were there."""
    began_before = models.PositiveBigIntegerField()
    """Left out: nobody knows since when they were there."""
    too_young = models.PositiveBigIntegerField()
    """Left out: they began after the day up to which it can be told who is gone."""
    handed_over = models.PositiveBigIntegerField()
    """Left out: they went from one constituent to another, or one was told and another has them."""
    watched_to = models.DateField(null=True, blank=True)
    """The last day up to which it can be told who is gone; of the type that goes furthest."""

    class Meta:
        ordering = ("-at", "-id")

    def __str__(self) -> str:
        return f"{self.pk}"


class Figure(models.Model):
    """What was reckoned for one group of findings, by one comparison."""

    measurement = models.ForeignKey(Measurement, on_delete=models.CASCADE, related_name="figures")
    comparison = models.CharField(max_length=10, choices=Comparison.choices)
    by = models.CharField(max_length=12, choices=By.choices)
    key = models.CharField(max_length=64, blank=True)
    """RSIT type, sector, public id of a constituent, number of a policy; empty for all."""
    facts = models.JSONField()
    """What a line of a list shows: see `measuring`."""
    curves = models.JSONField()
    """The two curves, point by point."""

    class Meta:
        ordering = ("comparison", "by", "key")
        constraints = (
            models.UniqueConstraint(fields=("measurement", "comparison", "by", "key"), name="effect_one_figure"),
            models.CheckConstraint(condition=Q(by__in=By.values), name="effect_split_known"),
            models.CheckConstraint(condition=Q(comparison__in=Comparison.values), name="effect_comparison_known"),
        )

    def __str__(self) -> str:
        return f"{self.comparison} {self.by} {self.key}"
