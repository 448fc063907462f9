"""The interface is whole in every language, and no sentence is glued from halves."""

from __future__ import annotations

import ast
import gettext
import re
from pathlib import Path

import pytest
from babel.messages.catalog import Message

from tools.catalogues import LANGUAGES, PLACEHOLDER, SOURCE, catalogue_path, missing, read, template

GETTEXT = {"_", "gettext", "gettext_lazy", "ngettext", "ngettext_lazy", "pgettext", "pgettext_lazy"}
SOURCES = sorted(path for path in SOURCE.rglob("*.py") if "migrations" not in path.parts)
TEMPLATES = sorted(SOURCE.rglob("templates/**/*.html"))


def key(message: Message) -> tuple[str | None, object]:
    return message.context, message.id if isinstance(message.id, str) else tuple(message.id)


def texts(message: Message) -> list[str]:
    return [message.string] if isinstance(message.string, str) else list(message.string)


def sources(message: Message) -> list[str]:
    return [message.id] if isinstance(message.id, str) else list(message.id)


def translated(language: str) -> list[Message]:
    """Return what has a translation; what has none is one test's business."""
    return [message for message in read(catalogue_path(language), language) if message.id and all(texts(message))]


@pytest.mark.parametrize("language", LANGUAGES)
def test_nothing_is_left_untranslated(language: str) -> None:
    """`make i18n` brings new texts into the catalogue; the ones named here still need their translation."""
    catalogue = read(catalogue_path(language), language)
    known = {key(message) for message in catalogue}
    absent = [message.id for message in template() if message.id and key(message) not in known]

    assert absent + [message.id for message in missing(catalogue)] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_nothing_is_kept_that_no_page_says(language: str) -> None:
    said = {key(message) for message in template()}

    assert [message.id for message in translated(language) if key(message) not in said] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_placeholders_are_the_same(language: str) -> None:
    for message in translated(language):
        for source, text in zip(sources(message), texts(message), strict=True):
            assert set(PLACEHOLDER.findall(text)) == set(PLACEHOLDER.findall(source)), message.id


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_compiled_is_what_is_written(language: str) -> None:
    """The .mo files are committed, so that a machine without gettext speaks French; `make i18n` renews them."""
    path = catalogue_path(language)
    with path.with_suffix(".mo").open("rb") as file:
        compiled = gettext.GNUTranslations(file)

    for message in translated(language):
        source, context = sources(message), message.context
        for number, text in zip((1, 2), texts(message), strict=False):
            if len(source) > 1:
                assert compiled.ngettext(source[0], source[1], number) == text
            else:
                found = compiled.pgettext(context, source[0]) if context else compiled.gettext(source[0])
                assert found == text


def test_french_leaves_no_sign_alone_at_the_beginning_of_a_line() -> None:
    """Before ? ! ; stands a narrow space that does not break, before : one that does not break, and « » hold theirs."""
    for message in translated("fr"):
        for text in texts(message):
            assert not re.search(r" [?!;:»]|« |(?<![\s\u202f\xa0/])[?!;](?=\s|$)", text), text
            assert "'" not in text, text


def test_english_and_french_end_alike() -> None:
    """But for months, of which each language cuts others short."""
    for message in (each for each in translated("fr") if each.context != "abbrev. month"):
        for source, text in zip(sources(message), texts(message), strict=False):
            assert (source[-1:] in ".?!:") == (text[-1:] in ".?!:"), text


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.relative_to(SOURCE).as_posix())
def test_translations_in_python_are_whole_sentences(path: Path) -> None:
    tree = ast.parse(path.read_text())

    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            assert not list(translating_calls(node)), f"line {node.lineno}: gettext inside an f-string is not extracted"
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
            assert not list(translating_calls(node)), f"line {node.lineno}: a sentence is glued from halves"


def translating_calls(node: ast.AST) -> list[ast.Call]:
    calls = [each for each in ast.walk(node) if isinstance(each, ast.Call)]
    return [call for call in calls if isinstance(call.func, ast.Name) and call.func.id in GETTEXT]


GLUED = re.compile(
    r"""\{% translate [^%]*[a-z,(]["'] %\}\s*(?:<\w+[^>]*>)?\s*\{\{|\}\}(?:</\w+>)?\s*\{% translate ["'][a-z]"""
)


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.relative_to(SOURCE).as_posix())
def test_translations_in_templates_are_whole_sentences(path: Path) -> None:
    """A value between two translated halves cannot be put where another language wants it: use blocktranslate."""
    assert GLUED.findall(path.read_text()) == []


def test_glue_would_be_found() -> None:
    assert GLUED.search('{% translate "since" %} {{ hour }}')
    assert GLUED.search('{{ number }} {% translate "findings" %}')
    assert not GLUED.search('<dt>{% translate "Whose" %}</dt><dd>{{ name }}</dd>')
