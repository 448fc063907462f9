"""Addresses from people and tables: one that can be written to, or a clear refusal."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tocsin.courier.mail_addresses import LONGEST, checked, checked_name, deceit, mailbox, other_form
from tocsin.kernel.refusals import InvalidInput


@pytest.mark.parametrize(
    ("given", "written"),
    [
        ("security@ministry.example", "security@ministry.example"),
        ("  a.b+c@Ministry.EXAMPLE ", "a.b+c@ministry.example"),
        ("o'brien@x-y.example", "o'brien@x-y.example"),
        ("equipe@santé.example", "equipe@xn--sant-epa.example"),
        ("info@xn--sant-epa.example", "info@xn--sant-epa.example"),
        ("a@مثال.example", "a@xn--mgbh0fb.example"),
    ],
)
def test_an_address_is_written_as_mail_servers_have_it(given: str, written: str) -> None:
    assert checked(given) == written


HOSTILE = [
    "",
    " ",
    "nobody",
    "@x.example",
    "a@",
    "a@b",
    "a@localhost",
    "a@@x.example",
    "a@x.example@y.example",
    "a@x.example, b@x.example",
    "a@x.example;b@x.example",
    "a b@x.example",
    "a@x.example\nBcc: all@x.example",
    "a@x.example\r\nSubject: other",
    "a@x.example\0",
    "<a@x.example>",
    "Anna <a@x.example>",
    '"a b"@x.example',
    "a..b@x.example",
    ".a@x.example",
    "é@x.example",
    "a@x..example",
    "a@-x.example",
    "a@x_y.example",
    "a@[192.0.2.1]",
    "a@192.0.2.1",
    "a@x.example.",
    "a@straße.example",
    "a\u202e@x.example",
    "a\u200b@x.example",
    "a@x\u200b.example",
    "a@x\u2066.example",
    "a@аlpha.example",
    "a@bеta.example",
    "a" * 65 + "@x.example",
    "a@" + "x" * 64 + ".example",
    "a@" + ".".join(["x" * 60] * 5) + ".example",
    ",".join(f"u{number}@x.example" for number in range(10_000)),
]


@pytest.mark.parametrize("address", HOSTILE, ids=range(len(HOSTILE)))
def test_anything_else_is_refused_by_a_sentence(address: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        checked(address)
    said = str(refused.value)
    assert said.startswith("email: ")
    assert said.endswith(".")
    assert len(said) < 300
    assert said.isprintable()


@settings(max_examples=200)
@given(st.text(max_size=80))
def test_what_passes_is_one_line_of_ascii(text: str) -> None:
    try:
        address = checked(f"{text}@x.example") if "@" not in text else checked(text)
    except InvalidInput:
        return
    assert address.isascii() and address.isprintable() and " " not in address
    assert len(address) <= LONGEST
    assert checked(address) == address


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("soc@bank.example", ""),
        ("soc@société.example", ""),
        ("soc@банк.example", ""),
        ("soc@bаnk.example", "leads to xn--bnk-6cd.example"),
        ("soc@сосо.example", "looks like coco.example"),
        ("soc@xn--bnk-6cd.example", "leads to xn--bnk-6cd.example"),
        ("soc@XN--n1aahb.example", "looks like coco.example"),
        ("soc@xn--socit-esab.example", ""),
        ("soc@xn--bnk-7ka653b.example", "'bаnkß.example' mixes letters"),
        ("soc@www.xn--bnk-6cd.xn--strae-oqa.example", "leads to www.xn--bnk-6cd.xn--strae-oqa.example"),
        ("soc@xn--strae-oqa.example", ""),
        ("soc@xn--\u20ac.example", ""),
        ("soc@xn--a.example", ""),
        ("soc@сосо.other", ""),
        ("soc@", ""),
    ],
)
def test_a_host_that_would_be_taken_for_another_is_told(address: str, said: str) -> None:
    found = deceit(address, ["bank.example", "coco.example"])
    assert said in found and bool(found) == bool(said)


def test_a_look_alike_is_refused_only_beside_what_it_looks_like() -> None:
    assert deceit("soc@сосо.example") == ""
    assert checked("soc@сосо.example") == "soc@xn--n1aahb.example"


def test_one_mailbox_is_one_however_it_is_written() -> None:
    assert mailbox(" SOC@Bank.Example") == mailbox("soc@bank.example") != mailbox("noc@bank.example")
    assert mailbox("equipe@santé.example") == mailbox("Equipe@XN--sant-epa.example")


def test_an_address_beyond_ascii_has_two_forms() -> None:
    read, written = "a@santé.example", "a@xn--sant-epa.example"
    assert (other_form(read), other_form(written)) == (written, read)
    assert other_form("a@xn--strae-oqa.example") == "a@straße.example", "as registries give names out now"
    for plain in ("a@sante.example", "", "a", "a@xn--bnk-6cd.example", "a@xn--a.example"):
        assert other_form(plain) == "", plain
    for unsent in ("soc@straße.example", "soc@x_é.example"):
        assert other_form(unsent) == "", "no mail server writes it"


@pytest.mark.parametrize("read", ["ba\u200dnk", "Банк", "ﬁn", "bank", "é\u202e"])
def test_what_is_no_name_under_xn_is_shown_as_it_is(read: str) -> None:
    written = "a@xn--" + read.encode("punycode").decode() + ".example"
    assert (other_form(written), deceit(written)) == ("", "")


@pytest.mark.parametrize("name", ["", "Anna Berg", "Équipe de sécurité", "فريق الأمن", "O'Brien, Jr."])
def test_names_of_people_pass(name: str) -> None:
    assert checked_name(name) == name


@pytest.mark.parametrize(
    "name", ["A\nBcc: b@x.example", "A\r", "\u200b", "a\u202eb", "a\u200bb", "x" * 101, "ceo@bank.example", "a\0"]
)
def test_names_that_steer_or_deceive_are_refused(name: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        checked_name(name)
    assert str(refused.value).isprintable()
