"""One asset has one form, however it is written."""

from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.engine import canonical
from tocsin.engine.convert import BadCell
from tocsin.engine.forms import FORMS

ALIKE = [
    ("fqdn", "bad.example", ["Bad.example", "bad.example.", " bad.example "]),
    ("fqdn", "xn--mnchen-3ya.example", ["münchen.example", "MÜNCHEN.example", "XN--MNCHEN-3YA.example"]),
    ("host", "www.bad.example", ["WWW.bad.example.", "www.bad.example:8080"]),
    ("host", "2001:db8::1", ["2001:DB8::1", "[2001:db8::1]", "[2001:db8:0::1]:443"]),
    ("host", "192.0.2.1", ["192.0.2.1:80"]),
    ("network", "2001:db8::/32", ["2001:DB8::/32", "2001:db8::1/32"]),
    ("network", "192.0.2.1/32", ["192.0.2.1"]),
    ("email", "a.b@xn--mnchen-3ya.example", ["A.B@München.example", " a.b@xn--mnchen-3ya.example."]),
    ("url", "http://bad.example/", ["HTTP://Bad.example", "hxxp://bad.example./", "http://bad.example:80"]),
    ("url", "https://u@bad.example:8443/A?B#C", ["https://u@BAD.example:8443/A?B#C"]),
    ("url", "http://[2001:db8::1]/x", ["http://[2001:DB8::1]:80/x"]),
    ("lower_token", "mirai", ["Mirai "]),
    ("text", "Port of Call", [" Port of Call"]),
]


@pytest.mark.parametrize(("kind", "form", "others"), ALIKE)
def test_what_is_written_in_several_ways_has_one_form(kind: str, form: str, others: list[str]) -> None:
    assert {FORMS[kind](text) for text in (form, *others)} == {form}


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("fqdn", "192.0.2.1"), ("fqdn", "a b"), ("host", "a/b"), ("network", "junk"), ("email", "junk"),
        ("email", "a@b c"), ("email", "a@192.0.2.1"), ("url", "junk"), ("url", "http://a.example:x/"),
        ("url", "http://a.example:99999/"), ("url", "http://a b.example/"), ("lower_token", "é"),
    ],
)  # fmt: skip
def test_what_is_not_of_its_kind_is_refused(kind: str, text: str) -> None:
    with pytest.raises(BadCell, match="is not"):
        FORMS[kind](text)


@given(st.sampled_from(sorted(FORMS)), st.text() | st.from_regex(r"[a-zA-Z:/@.0-9\[\]]{1,20}", fullmatch=True))
def test_a_form_is_its_own_form(kind: str, text: str) -> None:
    try:
        form = FORMS[kind](text)
    except BadCell:
        return
    assert FORMS[kind](form) == form


CELLS = pa.chunked_array([pa.array([b"A.example", None, b"a.example.", b"a b", b"-", b"\xff"], pa.binary())])


def test_a_column_of_accounts_keeps_what_is_of_its_kind() -> None:
    forms, bad = canonical.accounts(CELLS, "fqdn")
    assert forms.to_pylist() == ["a.example", None, "a.example", None, None, None]
    assert dict(zip(bad.rows.tolist(), bad.reasons, strict=True)) == {
        3: "'a b' is not a host name",
        5: "the text is not UTF-8",
    }


def test_a_column_of_details_keeps_every_cell() -> None:
    assert canonical.details(CELLS, "fqdn").to_pylist() == ["a.example", None, "a.example", "a b", None, "\\xff"]
    assert canonical.details(CELLS, "").to_pylist() == ["A.example", None, "a.example.", "a b", "-", "\\xff"]


@given(st.lists(st.sampled_from(["a.example", "B.example", "_x.c"]) | st.none(), max_size=5))
def test_the_quick_way_gives_what_the_thorough_one_does(texts: list[str | None]) -> None:
    column = pa.chunked_array([pa.array([text and text.encode() for text in texts], pa.binary())])
    expected = [text and text.lower() for text in texts]
    assert canonical.accounts(column, "fqdn")[0].to_pylist() == expected
    assert canonical.details(column, "host").to_pylist() == expected
