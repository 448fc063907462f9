"""Tables of the room: the manifest of the engine's files, and what people say about findings.

The manifest is the truth: an observation exists when its file is named here.
Findings themselves are not rows here; a million of them stand in the engine's
files, and what people say about one is keyed by its id.
"""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext

from tocsin.feeds.choices import (
    SHADOWSERVER_TERMS,
    TLP_CHOICES,
    AnswerKind,
    DecisionChoice,
    DownloadState,
    Origin,
    ReportState,
    RunState,
    Verdict,
)


class Feed(models.Model):
    """A publisher of reports, and on which terms it lets us have them."""

    code = models.SlugField(max_length=40, unique=True)
    name = models.CharField(max_length=100)
    tlp = models.CharField(max_length=12, choices=TLP_CHOICES, default="AMBER")
    """Label of its rows where nothing else marks them."""
    terms = models.TextField(blank=True)
    """What may be done with its data, in our words; printed on exports."""

    def __str__(self) -> str:
        return self.name

    @property
    def terms_shown(self) -> str:
        """Those that came with the software are said in the reader's language."""
        return gettext(self.terms) if self.terms == SHADOWSERVER_TERMS else self.terms


class ReportType(models.Model):
    """A type of report that has been seen."""

    name = models.CharField(max_length=100, unique=True)
    title = models.CharField(max_length=200, blank=True)
    feed = models.ForeignKey(Feed, on_delete=models.PROTECT, related_name="types")
    origin = models.CharField(max_length=20)
    """Of the mapping that read it last; `none` means that it needs one."""
    unknown_columns = models.JSONField(default=list, blank=True)
    """Columns of the latest report that no mapping knows."""
    sample_columns = models.JSONField(default=list, blank=True)

    def __str__(self) -> str:
        return self.name

    @property
    def origin_label(self) -> str:
        """Who described its columns, in the reader's language."""
        return str(dict(Origin.choices).get(self.origin, self.origin))


class Run(models.Model):
    """One import: what was asked, how far it is, what came of it."""

    state = models.CharField(max_length=10, choices=RunState.choices, default=RunState.RUNNING)
    started_at = models.DateTimeField(db_index=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    actor_label = models.CharField(max_length=200)
    options = models.JSONField(default=dict)
    progress = models.FloatField(default=0)
    """Share of the bytes that is read, 0 to 1."""
    note = models.CharField(max_length=500, blank=True)
    """What it is doing, or why it failed, in a sentence."""
    summary = models.JSONField(default=dict, blank=True)
    """The object that `feed run --json` prints."""

    class Meta:
        ordering = ("-id",)

    def __str__(self) -> str:
        return f"{self.pk}"


class Report(models.Model):
    """A report that was accepted: its identity is its content."""

    digest = models.CharField(max_length=64, unique=True)
    """SHA-256 over type, day and `content`."""
    content = models.CharField(max_length=64, blank=True)
    """SHA-256 of the unpacked bytes: a replay may find another type or day."""
    run = models.ForeignKey(Run, on_delete=models.PROTECT, related_name="reports")
    type = models.ForeignKey(ReportType, on_delete=models.PROTECT, related_name="reports")
    state = models.CharField(max_length=10, choices=ReportState.choices, default=ReportState.ACCEPTED)
    name = models.CharField(max_length=255)
    also = models.JSONField(default=list, blank=True)
    """Further names under which the same content came: it counts while one of them delivers it."""
    on = models.DateField()
    records = models.PositiveBigIntegerField()
    kept = models.PositiveBigIntegerField()
    rows_quarantined = models.PositiveBigIntegerField()
    cells_quarantined = models.PositiveBigIntegerField()
    parts = models.JSONField(default=list)
    quarantine = models.CharField(max_length=300, blank=True)
    constituents = models.JSONField(default=dict)
    """Rows of each constituent as attributed when it was read."""
    size = models.PositiveBigIntegerField()
    columns = models.JSONField(default=list)
    unknown_columns = models.JSONField(default=list)
    origin = models.CharField(max_length=20)
    cut = models.BooleanField(default=False)
    """Whether its file ends in the middle of its last record."""
    findings = models.PositiveBigIntegerField(null=True, blank=True)
    """How many distinct findings it shows; null where it was read before they were counted."""
    newest = models.DateTimeField(null=True, blank=True)
    """The newest time that one of its kept rows says; null where none does, or it was not looked for yet."""
    expired_at = models.DateTimeField(null=True, blank=True)
    """When its observations and its quarantine went, because they are not kept for longer. It counts all the same."""

    class Meta:
        ordering = ("on", "name")
        indexes = (models.Index(fields=("type", "state", "on"), name="feeds_report_by_type"),)
        constraints = (
            models.CheckConstraint(
                condition=Q(records=models.F("kept") + models.F("rows_quarantined")), name="feeds_records_conserved"
            ),
        )

    def __str__(self) -> str:
        return self.name

    @property
    def origin_label(self) -> str:
        """Who described its columns, in the reader's language."""
        return str(dict(Origin.choices).get(self.origin, self.origin))


class Delivery(models.Model):
    """A report that came under a name: of the reports of a name and day that are not withdrawn, the last counts.

    Written when something else comes than what counts under the name; never deleted.
    """

    run = models.ForeignKey(Run, on_delete=models.PROTECT, related_name="deliveries")
    type = models.ForeignKey(ReportType, on_delete=models.PROTECT, related_name="+")
    on = models.DateField()
    name = models.CharField(max_length=255)
    digest = models.CharField(max_length=64)
    """Of the report."""
    is_withdrawn = models.BooleanField(default=False)

    class Meta:
        ordering = ("run_id", "id")
        indexes = (models.Index(fields=("type", "on"), name="feeds_delivery_by_day"),)

    def __str__(self) -> str:
        return self.name


class Saying(models.Model):
    """What was said of a type's day: how it stands follows from those that are not withdrawn, in this order.

    Beside `Delivery`, which is what a run brought. Never deleted.
    """

    run = models.ForeignKey(Run, on_delete=models.PROTECT, null=True, blank=True, related_name="sayings")
    """Null for what a person said, or a watch whose time had come; and for what stood before runs were noted."""
    type = models.ForeignKey(ReportType, on_delete=models.PROTECT, related_name="+")
    on = models.DateField()
    what = models.CharField(max_length=10)
    """As `engine.said.What` has it."""
    about = models.TextField(blank=True)
    """The name of a file; of a decision, a digest of the reports that it was about; why a day is complete."""
    is_withdrawn = models.BooleanField(default=False)

    class Meta:
        ordering = ("id",)
        indexes = (models.Index(fields=("type", "on"), name="feeds_saying_by_day"),)

    def __str__(self) -> str:
        return f"{self.what} {self.on}"


class Download(models.Model):
    """A report that the publisher offered and that was fetched, or was tried to be."""

    publisher_id = models.CharField(max_length=200)
    """Whoever knows it can download the report: for no page and no log."""
    file = models.CharField(max_length=200)
    type = models.CharField(max_length=100)
    """As the publisher names it."""
    on = models.DateField()
    state = models.CharField(max_length=10, choices=DownloadState.choices)
    at = models.DateTimeField()
    """When it came, or was tried last."""
    size = models.PositiveBigIntegerField(default=0)
    problem = models.TextField(blank=True)
    """Why it is not imported, in a sentence."""
    run = models.ForeignKey(Run, on_delete=models.SET_NULL, null=True, blank=True, related_name="downloads")

    class Meta:
        ordering = ("on", "file")
        constraints = (models.UniqueConstraint(fields=("publisher_id", "file"), name="feeds_fetched_once"),)
        indexes = (models.Index(fields=("state", "on"), name="feeds_download_by_state"),)

    def __str__(self) -> str:
        return self.file


class Cycle(models.Model):
    """One report type on one day."""

    type = models.ForeignKey(ReportType, on_delete=models.PROTECT, related_name="cycles")
    on = models.DateField()
    rows = models.PositiveBigIntegerField(default=0)
    closed = models.BooleanField()
    decision = models.CharField(max_length=10, choices=DecisionChoice.choices, blank=True, default="")
    broken = models.JSONField(default=list, blank=True)
    """Names of delivered reports that could not be read."""
    usual = models.FloatField(null=True, blank=True)
    """Median rows of the counted cycles before it."""
    findings = models.PositiveBigIntegerField(null=True, blank=True)
    """How many its reports show; null where one was read before they were counted."""
    usual_findings = models.FloatField(null=True, blank=True)
    """Median findings of the counted cycles before it; null where one of them does not know."""
    held = models.BooleanField(default=False)
    doubts = models.JSONField(default=dict, blank=True)
    """Why it is held: `few` findings, files that are `cut`, lists that are `missing`, reports that are `repeated` or
    `old`; each with the names of those."""
    counts = models.BooleanField(default=False)
    """Whether absence from it counts towards gone."""
    arrived_at = models.DateTimeField()
    """When its latest report came."""

    class Meta:
        ordering = ("on",)
        constraints = (models.UniqueConstraint(fields=("type", "on"), name="feeds_one_cycle_a_day"),)

    def __str__(self) -> str:
        return f"{self.type} {self.on}"


class State(models.Model):
    """The findings of one type: which files hold them."""

    type = models.OneToOneField(ReportType, on_delete=models.PROTECT, related_name="findings")
    partitions = models.JSONField()
    folded_to = models.DateField()
    counted = models.JSONField()
    """Days of the cycles that counted when it was folded."""
    gone_after = models.PositiveIntegerField()
    findings = models.PositiveBigIntegerField()
    horizon = models.DateField(null=True, blank=True)
    """Findings last seen before it are gone."""

    def __str__(self) -> str:
        return f"{self.type}"


class Baseline(models.Model):
    """The findings of one type as folded from days that are no longer kept: what is folded anew begins from them."""

    type = models.OneToOneField(ReportType, on_delete=models.PROTECT, related_name="baseline")
    partitions = models.JSONField()
    up_to = models.DateField()
    """The last of these days."""

    def __str__(self) -> str:
        return f"{self.type} {self.up_to}"


class Movement(models.Model):
    """How many findings were what on one day: the fine roll-up, of which `rollup` makes the sums that charts read."""

    type = models.ForeignKey(ReportType, on_delete=models.PROTECT, related_name="movements")
    on = models.DateField(db_index=True)
    constituent = models.CharField(max_length=64, blank=True)
    """Public id; empty for nobody."""
    category = models.CharField(max_length=60)
    """RSIT type of the incident."""
    severity = models.PositiveSmallIntegerField()
    new = models.PositiveIntegerField(default=0)
    still = models.PositiveIntegerField(default=0)
    returned = models.PositiveIntegerField(default=0)
    gone = models.PositiveIntegerField(default=0)

    class Meta:
        indexes = (models.Index(fields=("type", "on"), name="feeds_movement_by_type"),)

    def __str__(self) -> str:
        return f"{self.type} {self.on} {self.constituent}"


class TypeMovement(models.Model):
    """Sums of `Movement` over constituents: what charts by day, type, class and severity read. See `rollup`."""

    type = models.ForeignKey(ReportType, on_delete=models.PROTECT, related_name="+")
    on = models.DateField(db_index=True)
    category = models.CharField(max_length=60)
    severity = models.PositiveSmallIntegerField()
    new = models.PositiveBigIntegerField(default=0)
    still = models.PositiveBigIntegerField(default=0)
    returned = models.PositiveBigIntegerField(default=0)
    gone = models.PositiveBigIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.type} {self.on}"


class ConstituentMovement(models.Model):
    """Sums of `Movement` over types, classes and severities: what charts by constituent read. See `rollup`."""

    constituent = models.CharField(max_length=64, blank=True)
    """Public id; empty for nobody."""
    on = models.DateField(db_index=True)
    new = models.PositiveBigIntegerField(default=0)
    still = models.PositiveBigIntegerField(default=0)
    returned = models.PositiveBigIntegerField(default=0)
    gone = models.PositiveBigIntegerField(default=0)

    class Meta:
        indexes = (
            # The second holds all that a sum over every day needs: it is read from the index alone.
            models.Index(fields=("constituent", "on"), name="feeds_constituent_by_day"),
            models.Index(fields=("constituent", "new", "still", "returned"), name="feeds_constituent_sums"),
        )

    def __str__(self) -> str:
        return f"{self.constituent} {self.on}"


class Handover(models.Model):
    """A finding changed hands because claims changed; who held it before stays known."""

    finding = models.CharField(max_length=26, db_index=True)
    type = models.ForeignKey(ReportType, on_delete=models.PROTECT, related_name="+")
    before = models.CharField(max_length=64, blank=True)
    after = models.CharField(max_length=64, blank=True)
    at = models.DateTimeField()

    def __str__(self) -> str:
        return self.finding


class FindingNote(models.Model):
    """What a person wrote about a finding."""

    finding = models.CharField(max_length=26, db_index=True)
    text = models.TextField()
    author_label = models.CharField(max_length=200)
    at = models.DateTimeField()

    class Meta:
        ordering = ("at",)

    def __str__(self) -> str:
        return self.finding


class Answer(models.Model):
    """What a constituent says of a finding. Never changed: another answer follows it."""

    finding = models.CharField(max_length=26, db_index=True)
    constituent = models.CharField(max_length=64, db_index=True)
    """Public id of whose finding it was then: whoever holds it later has said nothing."""
    kind = models.CharField(max_length=16, choices=AnswerKind.choices)
    text = models.TextField(blank=True)
    until = models.DateField(null=True, blank=True)
    """The last day on which a risk is accepted."""
    author_key = models.CharField(max_length=60)
    author_label = models.CharField(max_length=200)
    is_on_behalf = models.BooleanField(default=False)
    """The team says it for the constituent."""
    at = models.DateTimeField(db_index=True)

    class Meta:
        ordering = ("at", "id")
        constraints = (
            models.CheckConstraint(condition=Q(kind__in=AnswerKind.values), name="feeds_answer_kind_known"),
            models.CheckConstraint(
                condition=Q(kind=AnswerKind.ACCEPTED, until__isnull=False)
                | Q(~Q(kind=AnswerKind.ACCEPTED), until__isnull=True),
                name="feeds_accepted_until_a_day",
            ),
        )

    def __str__(self) -> str:
        return f"{self.finding} {self.kind}"


class Judgement(models.Model):
    """What the team said to an answer."""

    answer = models.OneToOneField(Answer, on_delete=models.CASCADE, related_name="judgement")
    verdict = models.CharField(max_length=10, choices=Verdict.choices)
    text = models.TextField(blank=True)
    """What the constituent reads."""
    until = models.DateField(null=True, blank=True)
    """The last day on which the finding is left in peace; none where the team does not agree."""
    author_label = models.CharField(max_length=200)
    at = models.DateTimeField()

    class Meta:
        constraints = (
            models.CheckConstraint(
                condition=Q(verdict=Verdict.UPHELD, until__isnull=False)
                | Q(verdict=Verdict.REFUSED, until__isnull=True),
                name="feeds_agreed_until_a_day",
            ),
        )

    def __str__(self) -> str:
        return f"{self.answer_id} {self.verdict}"


class FindingOwner(models.Model):
    """Who of the team looks after a finding."""

    finding = models.CharField(max_length=26, unique=True)
    owner_key = models.CharField(max_length=60, db_index=True)
    owner_label = models.CharField(max_length=200)
    since = models.DateTimeField()

    def __str__(self) -> str:
        return self.finding


class Manifest(models.Model):
    """One row: a number that grows with every change of the manifest, so that readers know when to look again."""

    version = models.PositiveBigIntegerField(default=0)
    claims = models.CharField(max_length=64, blank=True)
    """Fingerprint of the claims by which open findings are attributed now."""

    def __str__(self) -> str:
        return f"{self.version}"
