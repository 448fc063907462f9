"""There is a text for all that our mappings can name, in both languages, and it is short enough to be read."""

from __future__ import annotations

import re
import tomllib
from typing import Any

import pytest

from tocsin.feeds.last_rows import FACTS
from tocsin.formats.shadowserver import built_in
from tocsin.formats.shadowserver.variants import plain
from tocsin.kernel import rsit
from tocsin.kernel.reference_data import DATA
from tocsin.notices.remedies import LANGUAGES, headings, remedies, remedy_for
from tocsin.notices.writing import USUAL

FILES = sorted((DATA / "remedies").glob("*.toml"))
ENTRIES: dict[str, Any] = {
    name: entry for path in FILES for name, entry in tomllib.loads(path.read_text(encoding="utf-8")).items()
}


def named(key: str) -> list[str]:
    """Return all that the entries name under a key."""
    return [each for entry in ENTRIES.values() for each in entry.get(key, ())]


def test_every_type_of_the_built_in_mapping_has_a_text_of_its_own() -> None:
    assert {plain(name) for name in built_in()} - set(named("reports")) == set()


def test_every_class_has_exactly_one_text() -> None:
    assert sorted(named("classes")) == sorted(rsit.types())


def test_no_type_of_report_has_two_texts() -> None:
    assert len(named("reports")) == len(set(named("reports")))


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_text_is_whole_and_short(language: str) -> None:
    for name, remedy in remedies().items():
        text = remedy.text(language)
        assert all(
            each.strip() == each and len(each) > 20 for each in (text.wrong, text.matters, *text.fix, text.check)
        )
        assert 3 <= len(text.fix) <= 6, name
        assert max(len(text.wrong), len(text.matters)) <= 160 and max(map(len, text.fix)) <= 200, name
        assert text.wrong.endswith(".") and text.matters.endswith("."), name


def test_both_languages_name_the_same_steps() -> None:
    for name, remedy in remedies().items():
        english, french = (remedy.text(language) for language in LANGUAGES)
        assert len(english.fix) == len(french.fix) and english.wrong != french.wrong, name


def test_french_is_set_as_the_interface_sets_it() -> None:
    for name, remedy in remedies().items():
        text = remedy.text("fr")
        words = " ".join((text.wrong, text.matters, *text.fix, text.check))
        assert not re.search(r"(?<=[a-zà-ÿ])'(?=[a-zà-ÿ])", words), f"{name}: an apostrophe is ’"
        assert not re.search(r" [;:?!](?=\s|$)|« | »", words), f"{name}: a sign may stand at the beginning of a line"


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_a_file_says_where_it_comes_from(path: Any) -> None:
    head = path.read_text(encoding="utf-8")[:500]
    assert "# SOURCE: " in head and "# LICENCE: " in head


def test_a_variant_for_ipv6_is_read_under_the_plain_name() -> None:
    assert remedy_for("scan6_rdp", "vulnerable-system").name == "remote-desktop"


def test_a_type_of_report_without_a_text_has_that_of_its_class() -> None:
    assert remedy_for("lamps", "brute-force").name == "guessing"
    assert remedy_for("lamps", "what a publisher made up").name == remedy_for("lamps", "undetermined").name
    assert remedy_for("lamps", "tor").name == "listed"


def test_a_language_that_we_have_no_text_in_gets_english() -> None:
    remedy = remedies()["remote-desktop"]
    assert remedy.text("es") == remedy.text("en") and remedy.text("fr") != remedy.text("en")


QUOTED = {"en": re.compile("“([^”]*)”"), "fr": re.compile("«\\s([^»]*)\\s»")}
POINTS = {
    "en": re.compile(r"\b(?:in|of) the (?:list|table)\b"),
    "fr": re.compile(r"\b(?:dans|de) (?:la liste|le tableau)\b(?! de)"),
}
NEEDED = {
    "source_port": ("source_port",),
    "destination": ("destination", "destination_host"),
    "page": ("page",),
    "detail": ("malware", "tag", "product", "listed_by"),
}
"""A column of the table → facts of which one at least fills it."""


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_remedy_points_at_columns_that_its_table_has_and_at_no_other(language: str) -> None:
    columns = {heading: name for name, heading in headings(language).items()}
    for name, remedy in remedies().items():
        text = remedy.text(language)
        said = " ".join((text.wrong, text.matters, *text.fix, text.check))
        pointed = {columns[each] for each in QUOTED[language].findall(said) if each in columns}
        assert pointed - {*USUAL} == {*remedy.columns}, f"{name} points at other columns than its table has"
        assert not POINTS[language].search(said), f"{name} points at a list instead of a column"
        assert {*QUOTED[language].findall(said)} - {*columns} <= {"open", "blocked", "Permission denied"}, name


def test_each_type_of_report_says_what_the_columns_of_its_remedy_need() -> None:
    lacking = set()
    for report, mapping in built_in().items():
        remedy = remedy_for(report, dict(mapping.constants).get("classification.type", ""))
        keys = {field.key for field in mapping.fields}
        for column in remedy.columns:
            if not any(keys & set(FACTS[fact]) for fact in NEEDED[column]):
                lacking.add((report, column))
    assert lacking == {("sandbox_conn", "page")}, "there the place is all that is known, which the text names as well"
