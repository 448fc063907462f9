"""What types say to people: short, in both languages, for every type there is."""

from __future__ import annotations

import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.formats.shadowserver import Schema, built_in, meaning_of
from tocsin.formats.shadowserver.meanings import MAX_SENTENCE
from tocsin.formats.shadowserver.variants import plain, six
from tocsin.kernel.reference_data import DATA
from tocsin.kernel.severity import Severity

REMEDIES = {
    "close", "restrict", "update", "clean", "password", "encryption", "amplifier", "content", "filter", "look",
}  # fmt: skip
DATA_FILE = tomllib.loads((DATA / "shadowserver" / "meanings.toml").read_text(encoding="utf-8"))
DESCRIBED = [name for group, types in DATA_FILE.items() if group != "rules" for name in types]


def test_a_type_says_what_is_seen() -> None:
    meaning = meaning_of("scan_rdp")
    assert meaning.sentence("en") == "Remote desktop open to the internet"
    assert meaning.sentence("fr") == "Bureau à distance exposé sur Internet"
    assert (meaning.severity, meaning.remedy, meaning.group) == (Severity.C3, "restrict", "service")


@pytest.mark.parametrize("name", DESCRIBED)
def test_every_sentence_is_short_and_in_both_languages(name: str) -> None:
    entry = next(types[name] for group, types in DATA_FILE.items() if group != "rules" and name in types)
    assert entry.keys() == {"severity", "remedy", "en", "fr"}
    for language in ("en", "fr"):
        assert 0 < len(entry[language]) <= MAX_SENTENCE
        assert not entry[language].endswith(".")
        assert "'" not in entry[language]
    assert entry["remedy"] in REMEDIES
    assert entry["en"] != entry["fr"]


def test_no_type_is_described_twice() -> None:
    assert len(DESCRIBED) == len(set(DESCRIBED))


@pytest.mark.parametrize("name", sorted(built_in()))
def test_every_built_in_type_is_described(name: str) -> None:
    assert plain(name) in DESCRIBED


def test_both_address_families_say_the_same() -> None:
    assert meaning_of("scan6_rdp") == meaning_of("scan_rdp")
    assert meaning_of("event6_sinkhole") == meaning_of("event4_sinkhole")
    assert meaning_of("compromised_website6") == meaning_of("compromised_website")
    assert meaning_of("population6_bgp") == meaning_of("population_bgp")


@pytest.mark.parametrize("name", ["scan_rdp", "event4_sinkhole", "population_bgp", "device_id", "compromised_iot"])
def test_the_two_variants_of_a_name_belong_together(name: str) -> None:
    assert plain(six(name)) == plain(name) == name
    assert six(name) != name


def test_an_unknown_language_is_answered_in_english() -> None:
    assert meaning_of("scan_rdp").sentence("sw") == "Remote desktop open to the internet"
    assert meaning_of("scan_rdp").sentence("fr-ca") == "Bureau à distance exposé sur Internet"


@pytest.mark.parametrize(
    ("type_name", "title", "sentence", "severity"),
    [
        ("scan_lamp", "Accessible-Lamp-Control", "Lamp Control open to the internet", Severity.C5),
        ("scan6_lamp", "IPv6-Vulnerable-Lamp", "Lamp with a known weakness", Severity.C3),
        ("event4_x", "Sinkhole-Lamp IPv4", "Calls a botnet: Lamp", Severity.C4),
        ("scan_lamp", "", "Scan lamp", Severity.C5),
        ("scan_lamp", "Open", "Open", Severity.C5),
    ],
)
def test_an_unknown_type_still_reads_well(type_name: str, title: str, sentence: str, severity: Severity) -> None:
    meaning = meaning_of(type_name, title)
    assert (meaning.sentence("en"), meaning.severity, meaning.group) == (sentence, severity, "")
    assert meaning.sentence("fr")


@given(type_name=st.text(max_size=60), title=st.text(max_size=200))
def test_no_title_makes_a_sentence_too_long(type_name: str, title: str) -> None:
    assert all(len(sentence) <= MAX_SENTENCE for _language, sentence in meaning_of(type_name, title).sentences)


def test_every_published_type_is_described(published: Schema) -> None:
    assert {plain(name) for name in published.mappings} <= set(DESCRIBED)
