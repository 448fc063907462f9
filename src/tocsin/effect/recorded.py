"""What rows about effects say."""

from __future__ import annotations

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext

from tocsin.audit import wording
from tocsin.audit.wording import Data, Group, Sentence
from tocsin.effect.choices import Comparison, Verdict


def _measured(data: Data) -> str:
    words = _("Whether telling helps was reckoned anew: {verdicts}")
    return words.format(
        verdicts=pgettext("between two of a list", "; ").join(_verdicts(data))
        or pgettext("of comparisons", "nothing to compare")
    )


def _verdicts(data: Data) -> list[str]:
    names, verdicts = dict(Comparison.choices), dict(Verdict.choices)
    found = sorted(data["verdicts"].items())
    words = _("{comparison}: {verdict}")
    return [words.format(comparison=names.get(name, name), verdict=verdicts.get(said, said)) for name, said in found]


_SENTENCES: dict[str, Sentence] = {"effect.measured": _measured}
wording.register(Group("effect", gettext_lazy("Effect of notices"), _SENTENCES))
