"""Forms by which members ask for changes of their entry. They read what was typed; whether it may stand is decided by
the actions."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from tocsin.directory.choices import ClaimKind, ContactRole
from tocsin.directory.models import Contact
from tocsin.directory.sectors import sector_label, sectors
from tocsin.directory.wishes import LONGEST_REASON


def _day() -> forms.DateInput:
    """Return a day, with the browser's own calendar."""
    return forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"})


def _lines(rows: int) -> forms.Textarea:
    return forms.Textarea(attrs={"rows": rows})


def _sectors() -> list[tuple[str, str]]:
    language = get_language() or "en"
    return [(code, sector_label(code, language)) for code in sectors()]


class _Wish(forms.Form):
    """What is asked for; the word to the team comes last."""

    def facts(self) -> dict[str, Any]:
        """Return what was understood, by the names that the actions know."""
        return {name: value for name, value in self.cleaned_data.items() if name != "reason"}


class ClaimWish(_Wish):
    """A network, an autonomous system or a domain that is to be added."""

    kind = forms.ChoiceField(label=_("Kind"), choices=ClaimKind.choices)
    value = forms.CharField(
        label=_("Network, autonomous system or domain suffix"),
        max_length=300,
        help_text=_("203.0.113.0/24, 2001:db8::/32, AS64496 or ministry.example"),
    )
    valid_from = forms.DateField(label=_("Yours since"), required=False, widget=_day(), help_text=_("Empty: always."))
    valid_to = forms.DateField(
        label=_("Yours until"), required=False, widget=_day(), help_text=_("Empty where no end is known.")
    )
    reason = forms.CharField(
        label=_("How can the team check it?"),
        max_length=LONGEST_REASON,
        required=False,
        widget=_lines(3),
        help_text=_("The entry in the registry, the contract, whom to call."),
    )


class EndWish(_Wish):
    """The end of a claim."""

    ends_on = forms.DateField(label=_("Last day on which it is yours"), widget=_day())
    reason = forms.CharField(label=_("Why it ends"), max_length=LONGEST_REASON, required=False, widget=_lines(2))


class NewContactWish(_Wish):
    """A person or mailbox that is to be told."""

    role = forms.ChoiceField(label=_("Role"), choices=ContactRole.choices, initial=ContactRole.SECURITY)
    name = forms.CharField(label=_("Name"), max_length=100, required=False)
    email = forms.CharField(
        label=_("E-mail address"),
        max_length=254,
        required=False,
        widget=forms.EmailInput(attrs={"autocomplete": "off"}),
    )
    phone = forms.CharField(
        label=_("Telephone"), max_length=40, required=False, widget=forms.TextInput(attrs={"type": "tel"})
    )
    language = forms.CharField(label=_("Language"), max_length=20, required=False, help_text=_("A code: fr"))
    deputy_of = forms.ModelChoiceField(
        Contact.objects.none(),
        label=_("Deputy of"),
        required=False,
        help_text=_("Is told when that contact is not told any more."),
    )
    openpgp_key = forms.CharField(label=_("OpenPGP public key"), max_length=200_000, required=False, widget=_lines(4))

    def __init__(self, *args: Any, contacts: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["deputy_of"].queryset = contacts  # type: ignore[attr-defined]


class ContactWish(NewContactWish):
    """A contact that is to be changed. Its key is not shown: a page is to be small."""

    openpgp_key = forms.CharField(
        label=_("New OpenPGP public key"),
        max_length=200_000,
        required=False,
        widget=_lines(4),
        help_text=_("Empty: it stays as it is."),
    )
    without_key = forms.BooleanField(label=_("No key any more"), required=False)
    is_active = forms.BooleanField(
        label=_("Is told"), required=False, help_text=_("Take the tick away when this contact is no longer right.")
    )
    reason = forms.CharField(label=_("A word to the team"), max_length=LONGEST_REASON, required=False, widget=_lines(2))

    def facts(self) -> dict[str, Any]:
        """Return what was understood, the key where another or none is asked for."""
        found = super().facts()
        is_gone = found.pop("without_key", False)
        if not found.get("openpgp_key") and not is_gone:
            found.pop("openpgp_key", None)
        return found


class FactsWish(_Wish):
    """Facts of the organisation."""

    name = forms.CharField(label=_("Name"), max_length=200)
    names = forms.CharField(
        label=_("Name in other languages"),
        required=False,
        widget=_lines(3),
        help_text=_("One a line, after the language's code: fr: Ministère de la Santé"),
    )
    sector = forms.ChoiceField(label=_("Sector"), choices=_sectors)
    languages = forms.CharField(
        label=_("Languages to write in"), required=False, help_text=_("Codes, the preferred one first: fr en")
    )
    region = forms.CharField(label=_("Region"), max_length=100, required=False)
    reason = forms.CharField(label=_("A word to the team"), max_length=LONGEST_REASON, required=False, widget=_lines(2))

    def clean_names(self) -> dict[str, str]:
        """Return names by language."""
        lines = [line.partition(":") for line in self.cleaned_data["names"].splitlines() if line.strip()]
        found = {language.strip(): name.strip() for language, _colon, name in lines}
        if not all(found.values()):
            raise forms.ValidationError(_("Write each line as fr: Ministère de la Santé."))
        return found

    def clean_languages(self) -> list[str]:
        """Return the codes."""
        return str(self.cleaned_data["languages"]).replace(",", " ").split()


class MemberWish(forms.Form):
    """A person who is to sign in for the organisation."""

    email = forms.CharField(
        label=_("E-mail address"), max_length=254, widget=forms.EmailInput(attrs={"autocomplete": "off"})
    )
    is_administrator = forms.BooleanField(
        label=_("Administers the organisation's entry: its networks, domains and contacts"), required=False
    )
