"""Tokens in addresses: short, known again whatever the case, made by nobody else."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tocsin.courier import tokens

KEYS = st.from_regex(r"[a-z0-9]{1,24}", fullmatch=True)


def test_what_was_made_is_read_again() -> None:
    assert tokens.read("bounce", tokens.make("bounce", "abc123")) == "abc123"


@settings(max_examples=50)
@given(KEYS)
def test_every_key_comes_back_whatever_became_of_the_case(key: str) -> None:
    token = tokens.make("bounce", key)
    assert re.fullmatch(r"[a-z0-9]{1,40}", token)
    assert tokens.read("bounce", token) == tokens.read("bounce", token.upper()) == key


@settings(max_examples=50)
@given(KEYS, st.integers(0, 39), st.sampled_from("abcdefghijklmnopqrstuvwxyz0123456789"))
def test_a_token_with_one_character_changed_is_none_of_ours(key: str, place: int, other: str) -> None:
    token = tokens.make("bounce", key)
    changed = token[: place % len(token)] + other + token[place % len(token) + 1 :]
    assert tokens.read("bounce", changed) == (key if changed == token else None)


@pytest.mark.parametrize("text", ["", "a", "abc", "é" * 30, "a" * 41, "abc\n", "a b" * 10, "K" * 30])
def test_other_text_is_no_token(text: str) -> None:
    assert tokens.read("bounce", text) is None


def test_a_token_of_one_kind_is_none_of_another() -> None:
    assert tokens.read("reply", tokens.make("bounce", "abc")) is None


def test_another_instance_makes_other_tokens(settings: Any) -> None:
    token = tokens.make("bounce", "abc")
    settings.SECRET_KEY = "of another instance"
    assert tokens.read("bounce", token) is None


@pytest.mark.parametrize("key", ["", "a" * 25, "A", "a-b", "é", "a\n"])
def test_a_key_that_no_address_may_carry_is_refused(key: str) -> None:
    with pytest.raises(ValueError, match="characters"):
        tokens.make("bounce", key)


def test_new_keys_differ_and_fit() -> None:
    keys = {tokens.new_key() for _ in range(100)}
    assert len(keys) == 100
    assert all(tokens.read("reply", tokens.make("reply", key)) == key for key in keys)
