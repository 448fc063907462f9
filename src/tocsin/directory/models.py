"""Tables of the directory.

One table holds claims of all three kinds: they share dates, confirmation and
history, conflicts are found the same way in each, and the engine reads them as
one stream. Nothing here is ever deleted by people: claims end, contacts become
inactive, constituents former, so that history keeps its meaning.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import get_language

from tocsin.directory.choices import ChangeKind, ChangeState, ClaimKind, ContactRole, Outcome, Status, TableKind
from tocsin.directory.sectors import sector_label
from tocsin.kernel.collation import folded


def name_shown(name: str, names: Mapping[str, str]) -> str:
    """Return the name in the reader's language, else the name."""
    language = get_language() or "en"
    return str(names.get(language) or names.get(language.split("-")[0]) or name)


class Constituent(models.Model):
    """An organisation that the team serves."""

    public_id = models.CharField(max_length=64, unique=True)
    """Permanent, in every output; given by the importer or made by us."""
    name = models.CharField(max_length=200)
    names = models.JSONField(default=dict, blank=True)
    """The name in other languages, by language code."""
    sector = models.CharField(max_length=40, db_index=True)
    languages = models.JSONField(default=list, blank=True)
    """Codes of the languages it is written to in, preferred first."""
    status = models.CharField(max_length=12, choices=Status.choices, default=Status.ACTIVE)
    region = models.CharField(max_length=100, blank=True)
    parent = models.ForeignKey("self", on_delete=models.PROTECT, null=True, blank=True, related_name="parts")
    note = models.TextField(blank=True)
    search_words = models.TextField(blank=True, editable=False)
    """Id and names as `rules.folded` writes them: databases disagree on the case of letters beyond ASCII."""
    added_at = models.DateTimeField()
    changed_at = models.DateTimeField()
    said_right_at = models.DateTimeField(null=True, blank=True)
    """When one of its members last said that all that we hold of it is right."""
    said_right_by = models.CharField(max_length=200, blank=True)

    class Meta:
        ordering = ("name", "public_id")
        indexes = (models.Index(fields=("name", "public_id"), name="directory_by_name"),)
        constraints = (
            models.CheckConstraint(condition=Q(status__in=Status.values), name="directory_status_known"),
            models.CheckConstraint(condition=~Q(parent=F("id")), name="directory_not_own_parent"),
            models.CheckConstraint(condition=~Q(public_id="") & ~Q(name=""), name="directory_has_id_and_name"),
        )

    def __str__(self) -> str:
        return self.name

    def fold_words(self) -> None:
        """Bring `search_words` up to date with id and names."""
        self.search_words = "\n".join(map(folded, (self.public_id, self.name, *self.names.values())))

    @property
    def local_name(self) -> str:
        """The name in the reader's language, else the name."""
        return name_shown(self.name, self.names)

    @property
    def sector_label(self) -> str:
        """The sector in the reader's language."""
        return sector_label(self.sector, get_language() or "en")


class Claim(models.Model):
    """What a constituent is responsible for, from a first to a last day; without either, always."""

    constituent = models.ForeignKey(Constituent, on_delete=models.PROTECT, related_name="claims")
    kind = models.CharField(max_length=8, choices=ClaimKind.choices)
    value = models.CharField(max_length=253)
    """Canonical as `kernel.networks` writes it."""
    first_address = models.BinaryField(max_length=17, null=True, editable=False)
    """Networks only: family (4 or 6) as one octet, then the address; sorts and compares as octets in each database."""
    last_address = models.BinaryField(max_length=17, null=True, editable=False)
    valid_from = models.DateField(null=True, blank=True)
    valid_to = models.DateField(null=True, blank=True)
    """The last day on which it holds."""
    confirmed_by = models.CharField(max_length=200, blank=True)
    confirmed_at = models.DateTimeField(null=True, blank=True)
    source = models.CharField(max_length=200, blank=True)
    added_at = models.DateTimeField()
    changed_at = models.DateTimeField()

    class Meta:
        ordering = ("kind", "first_address", "value", "id")
        indexes = (
            models.Index(fields=("kind", "value"), name="directory_claim_value"),
            models.Index(fields=("first_address", "last_address"), name="directory_claim_range"),
        )
        constraints = (
            models.UniqueConstraint(
                fields=("constituent", "kind", "value"),
                condition=Q(valid_to__isnull=True),
                name="directory_one_open_claim",
            ),
            models.CheckConstraint(condition=Q(kind__in=ClaimKind.values), name="directory_claim_kind_known"),
            models.CheckConstraint(
                condition=Q(valid_from__isnull=True) | Q(valid_to__isnull=True) | Q(valid_from__lte=F("valid_to")),
                name="directory_claim_dates_in_order",
            ),
            models.CheckConstraint(
                condition=Q(kind=ClaimKind.NETWORK, first_address__isnull=False, last_address__isnull=False)
                | Q(~Q(kind=ClaimKind.NETWORK), first_address__isnull=True, last_address__isnull=True),
                name="directory_networks_have_ranges",
            ),
        )

    def __str__(self) -> str:
        return self.label

    @property
    def label(self) -> str:
        """The value as people write it: `AS64496`."""
        return f"AS{self.value}" if self.kind == ClaimKind.ASN else self.value

    def holds_on(self, day: dt.date) -> bool:
        """Whether it is valid on `day`."""
        return (self.valid_from or day) <= day <= (self.valid_to or day)


class Settlement(models.Model):
    """How somebody settled a conflict between two claims; it stands until the dates of either change."""

    one = models.ForeignKey(Claim, on_delete=models.PROTECT, related_name="settlements_as_one")
    other = models.ForeignKey(Claim, on_delete=models.PROTECT, related_name="settlements_as_other")
    outcome = models.CharField(max_length=10, choices=Outcome.choices)
    reason = models.TextField()
    settled_by = models.CharField(max_length=200)
    settled_at = models.DateTimeField()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("one", "other"), name="directory_one_settlement"),
            models.CheckConstraint(condition=Q(one__lt=F("other")), name="directory_settlement_in_order"),
        )

    def __str__(self) -> str:
        return f"{self.one_id}/{self.other_id}"


class Contact(models.Model):
    """A person or mailbox of a constituent."""

    constituent = models.ForeignKey(Constituent, on_delete=models.PROTECT, related_name="contacts")
    role = models.CharField(max_length=12, choices=ContactRole.choices, default=ContactRole.SECURITY)
    name = models.CharField(max_length=200, blank=True)
    language = models.CharField(max_length=20, blank=True)
    email = models.EmailField(max_length=254, blank=True)
    phone = models.CharField(max_length=40, blank=True)
    openpgp_key = models.TextField(blank=True)
    openpgp_fingerprint = models.CharField(max_length=64, blank=True)
    verified_on = models.DateField(null=True, blank=True)
    deputy_of = models.ForeignKey("self", on_delete=models.SET_NULL, null=True, blank=True, related_name="deputies")
    is_active = models.BooleanField(default=True)
    undelivered_since = models.DateTimeField(null=True, blank=True)
    """Since when mail to the address comes back: it is not written to until somebody confirms the contact."""
    undelivered_answer = models.CharField(max_length=500, blank=True)
    """What the mail server said."""

    class Meta:
        ordering = ("-is_active", "role", "name", "email", "id")
        constraints = (
            models.UniqueConstraint(
                fields=("constituent", "role", "email"), condition=~Q(email=""), name="directory_contact_once"
            ),
            models.CheckConstraint(condition=~Q(email="") | ~Q(phone=""), name="directory_contact_reachable"),
            models.CheckConstraint(condition=Q(role__in=ContactRole.values), name="directory_contact_role_known"),
            models.CheckConstraint(condition=~Q(deputy_of=F("id")), name="directory_not_own_deputy"),
        )

    def __str__(self) -> str:
        return self.name or self.email or self.phone


class Membership(models.Model):
    """That a person belongs to a constituent: sees what is its, and edits its entry where they administer it.

    It is ended, not deleted, and may begin anew: who belonged to whom, and when, is history.
    """

    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="memberships")
    constituent = models.ForeignKey(Constituent, on_delete=models.PROTECT, related_name="memberships")
    is_administrator = models.BooleanField(default=False)
    since = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("person__name", "person__email", "id")
        constraints = (
            models.UniqueConstraint(
                fields=("person", "constituent"), condition=Q(ended_at__isnull=True), name="directory_one_membership"
            ),
            models.CheckConstraint(
                condition=Q(ended_at__isnull=True) | Q(ended_at__gte=F("since")), name="directory_membership_in_order"
            ),
        )

    def __str__(self) -> str:
        return f"{self.person_id}/{self.constituent_id}"


class ChangeRequest(models.Model):
    """What a member of a constituent asks to be changed in its entry, and what came of it."""

    constituent = models.ForeignKey(Constituent, on_delete=models.PROTECT, related_name="change_requests")
    kind = models.CharField(max_length=12, choices=ChangeKind.choices)
    claim = models.ForeignKey(Claim, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    """The claim that is to end."""
    contact = models.ForeignKey(Contact, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    """The contact that is to be changed."""
    facts = models.JSONField()
    """As they are to be, by the names that the actions know."""
    before = models.JSONField(default=dict)
    """As they were when it was asked; empty for what is new."""
    reason = models.TextField(blank=True)
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    asked_at = models.DateTimeField()
    state = models.CharField(max_length=10, choices=ChangeState.choices, default=ChangeState.WAITS)
    is_at_once = models.BooleanField(default=False)
    """Whether it was done without waiting for the team, because the member administers the entry."""
    decided_by = models.CharField(max_length=200, blank=True)
    decided_at = models.DateTimeField(null=True, blank=True)
    answer = models.TextField(blank=True)
    """What the member reads about the decision."""

    class Meta:
        ordering = ("asked_at", "id")
        indexes = (models.Index(fields=("state", "asked_at"), name="directory_changes_by_state"),)
        constraints = (
            models.CheckConstraint(condition=Q(state__in=ChangeState.values), name="directory_change_state_known"),
            models.CheckConstraint(
                condition=Q(state=ChangeState.WAITS, decided_at__isnull=True)
                | Q(~Q(state=ChangeState.WAITS), decided_at__isnull=False),
                name="directory_change_waits_or_is_decided",
            ),
            models.CheckConstraint(
                condition=Q(kind=ChangeKind.END_OF_CLAIM, claim__isnull=False, contact__isnull=True)
                | Q(kind=ChangeKind.CONTACT, claim__isnull=True, contact__isnull=False)
                | Q(
                    kind__in=(ChangeKind.CLAIM, ChangeKind.NEW_CONTACT, ChangeKind.FACTS),
                    claim__isnull=True,
                    contact__isnull=True,
                ),
                name="directory_change_is_of_its_thing",
            ),
        )

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"

    @property
    def waits(self) -> bool:
        """Whether nobody has decided yet."""
        return self.state == ChangeState.WAITS


class ReferenceTable(models.Model):
    """The manifest of a reference table: which file in the store holds it. The file alone means nothing."""

    kind = models.CharField(max_length=8, choices=TableKind.choices)
    file = models.CharField(max_length=120)
    """Below the store."""
    content_hash = models.CharField(max_length=64)
    """SHA-256 of the file that the operator gave."""
    rows = models.PositiveIntegerField()
    source = models.CharField(max_length=200)
    is_current = models.BooleanField(default=True)
    loaded_by = models.CharField(max_length=200)
    loaded_at = models.DateTimeField()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("kind",), condition=Q(is_current=True), name="directory_one_current_table"),
            models.CheckConstraint(condition=Q(kind__in=TableKind.values), name="directory_table_kind_known"),
        )

    def __str__(self) -> str:
        return f"{self.kind} {self.content_hash[:12]}"
