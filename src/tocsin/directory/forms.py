"""Forms of the directory's pages. They read what was typed; whether it may stand is decided by the actions."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from tocsin.directory.choices import ClaimKind, ContactRole, Status
from tocsin.directory.models import Constituent, Contact
from tocsin.directory.sectors import sector_label, sectors
from tocsin.kernel.collation import collated


def sector_choices() -> list[tuple[str, str]]:
    """Return the sectors in the reader's language."""
    language = get_language() or "en"
    return [(code, sector_label(code, language)) for code in sectors()]


class DayInput(forms.DateInput):
    """A day, with the browser's own calendar."""

    input_type = "date"

    def __init__(self) -> None:
        super().__init__(format="%Y-%m-%d")


class _InOrderOfWords(forms.models.ModelChoiceIterator):  # type: ignore[type-arg]
    """The choices as people look for them: a database puts É after Z, and knows no name but the first."""

    def __iter__(self) -> Any:
        choices = list(super().__iter__())
        first = 0 if self.field.empty_label is None else 1
        return iter([*choices[:first], *sorted(choices[first:], key=lambda choice: collated(str(choice[1])))])


class ContactChoice(forms.ModelChoiceField):  # type: ignore[type-arg]
    """One of the contacts, by name."""

    iterator = _InOrderOfWords


class ConstituentChoice(forms.ModelChoiceField):  # type: ignore[type-arg]
    """One of the constituents, each by its name in the reader's language."""

    iterator = _InOrderOfWords

    def label_from_instance(self, obj: Constituent) -> str:
        """Return the name."""
        return obj.local_name


class ConstituentForm(forms.Form):
    """Facts of a constituent."""

    name = forms.CharField(label=_("Name"), max_length=200)
    names = forms.CharField(
        label=_("Name in other languages"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("One a line, after the language's code: fr: Ministère de la Santé"),
    )
    sector = forms.ChoiceField(label=_("Sector"), choices=sector_choices)
    status = forms.ChoiceField(
        label=_("Status"),
        choices=Status.choices,
        initial=Status.ACTIVE,
        help_text=_("A suspended constituent is not told, but findings are still attributed to it."),
    )
    languages = forms.CharField(
        label=_("Languages to write in"), required=False, help_text=_("Codes, the preferred one first: fr en")
    )
    region = forms.CharField(label=_("Region"), max_length=100, required=False)
    parent = ConstituentChoice(
        Constituent.objects.none(), label=_("Part of"), to_field_name="public_id", required=False
    )
    note = forms.CharField(
        label=_("Note for the team"), max_length=10_000, required=False, widget=forms.Textarea(attrs={"rows": 4})
    )

    def __init__(self, *args: Any, constituents: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["parent"].queryset = constituents  # type: ignore[attr-defined]

    def clean_names(self) -> dict[str, str]:
        """Return names by language."""
        found = {}
        for line in self.cleaned_data["names"].splitlines():
            language, colon, name = (part.strip() for part in line.partition(":"))
            if line.strip() and not (colon and name):
                raise forms.ValidationError(_("Write each line as fr: Ministère de la Santé."))
            if name:
                found[language] = name
        return found

    def clean_languages(self) -> list[str]:
        """Return the codes."""
        return str(self.cleaned_data["languages"]).replace(",", " ").split()


class NewConstituentForm(ConstituentForm):
    """The same, with the id that is chosen once."""

    public_id = forms.CharField(
        label=_("Id"), max_length=64, required=False, help_text=_("Permanent, in every output. Empty: one is made.")
    )


class ClaimForm(forms.Form):
    """A claim."""

    kind = forms.ChoiceField(label=_("Kind"), choices=ClaimKind.choices)
    value = forms.CharField(
        label=_("Network, autonomous system or domain suffix"),
        max_length=300,
        help_text=_("203.0.113.0/24, 2001:db8::/32, AS64496 or ministry.example"),
    )
    valid_from = forms.DateField(label=_("First day"), required=False, widget=DayInput)
    valid_to = forms.DateField(
        label=_("Last day"), required=False, widget=DayInput, help_text=_("A claim without dates always holds.")
    )
    source = forms.CharField(label=_("How we know"), max_length=200, required=False)
    is_confirmed = forms.BooleanField(label=_("I have checked this claim"), required=False)


class EndClaimForm(forms.Form):
    """The end of a claim."""

    ends_on = forms.DateField(label=_("Last day"), widget=DayInput)
    reason = forms.CharField(label=_("Why it ends"), max_length=1_000, required=False)


class ContactForm(forms.Form):
    """A contact."""

    role = forms.ChoiceField(label=_("Role"), choices=ContactRole.choices, initial=ContactRole.SECURITY)
    name = forms.CharField(label=_("Name"), max_length=200, required=False)
    email = forms.CharField(label=_("E-mail address"), max_length=254, required=False)
    phone = forms.CharField(label=_("Telephone"), max_length=40, required=False)
    language = forms.CharField(label=_("Language"), max_length=20, required=False, help_text=_("A code: fr"))
    openpgp_key = forms.CharField(
        label=_("OpenPGP public key"), max_length=200_000, required=False, widget=forms.Textarea(attrs={"rows": 4})
    )
    verified_on = forms.DateField(
        label=_("Verified on"), required=False, widget=DayInput, help_text=_("The day somebody was reached there.")
    )
    deputy_of = ContactChoice(Contact.objects.none(), label=_("Deputy of"), required=False)
    is_active = forms.BooleanField(label=_("May be told"), required=False, initial=True)

    def __init__(self, *args: Any, contacts: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["deputy_of"].queryset = contacts  # type: ignore[attr-defined]


class MemberForm(forms.Form):
    """A person who belongs to a constituent."""

    email = forms.CharField(
        label=_("E-mail address"),
        max_length=254,
        help_text=_("An account of a constituent's contact is opened where there is none with this address."),
        widget=forms.EmailInput(attrs={"autocomplete": "off", "autofocus": True}),
    )
    name = forms.CharField(
        label=_("Name"),
        max_length=200,
        required=False,
        help_text=_("For an account that is opened."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    is_administrator = forms.BooleanField(
        label=_("Administers the organisation's entry: its networks, domains and contacts"), required=False
    )


class MembershipForm(forms.Form):
    """What a member may."""

    is_administrator = forms.BooleanField(
        label=_("Administers the organisation's entry: its networks, domains and contacts"), required=False
    )


class ImportForm(forms.Form):
    """A directory file."""

    file = forms.FileField(
        label=_("File"),
        help_text=_("CSV or JSON, at most 5 MB. The command takes larger files: tocsin directory import FILE"),
    )
    end_missing = forms.BooleanField(
        label=_("End claims that the file leaves out"),
        required=False,
        help_text=_("As of yesterday, for the constituents and the kinds of claim that the file gives."),
    )


class SettleForm(forms.Form):
    """The decision between two equal claims."""

    decision = forms.ChoiceField(label=_("Decision"), widget=forms.RadioSelect)
    ends_on = forms.DateField(
        label=_("Last day of the other claim"),
        required=False,
        widget=DayInput,
        help_text=_("Not needed when both are kept."),
    )
    reason = forms.CharField(label=_("Why"), max_length=2_000, widget=forms.Textarea(attrs={"rows": 3}))

    def __init__(self, *args: Any, decisions: list[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["decision"].choices = decisions  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        """Ask for a last day where a claim ends."""
        values = super().clean() or {}
        if values.get("decision") not in (None, "both") and not values.get("ends_on"):
            self.add_error("ends_on", _("Say on which day the other claim ends."))
        return values


class DecideForm(forms.Form):
    """The decision about what a member asked for."""

    decision = forms.ChoiceField(label=_("Decision"), widget=forms.RadioSelect)
    is_confirmed = forms.BooleanField(label=_("I have checked this claim"), required=False)
    answer = forms.CharField(
        label=_("What the member will read"),
        max_length=2_000,
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("Needed to refuse it: say what is missing, and what to do."),
    )

    def __init__(self, *args: Any, decisions: list[tuple[str, str]], is_claim: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["decision"].choices = decisions  # type: ignore[attr-defined]
        if not is_claim:
            del self.fields["is_confirmed"]
