"""What no formatter sees in a template: can it be read, what does it load, does anything in it run or go unescaped."""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path

import pytest
from django.template import Library, TemplateSyntaxError, engines
from django.template.base import Lexer, Token, TokenType
from django.template.loader import get_template

from tests.architecture.reading import SOURCE

FOLDERS = sorted(path for path in (SOURCE / "tocsin").rglob("templates") if path.is_dir())
TEMPLATES = {path.relative_to(folder).as_posix(): path for folder in FOLDERS for path in sorted(folder.rglob("*.html"))}
"""Name by which Django finds it -> where it stands."""
UNESCAPED = {"django/forms/field.html": ["field.help_text|safe"]}
"""Django's own sentences under a field, lists among them. Nobody outside the source writes one."""
INLINE = {
    "a style": re.compile(r"\sstyle=|<style", re.I),
    "a script": re.compile(r"<script(?![^>]*\ssrc=)(?![^>]*application/json)|\son\w+=|javascript:", re.I),
    "something from elsewhere": re.compile(r"(?:src|srcset|action|data|poster)=[\"']?(?:https?:)?//", re.I),
}
"""The security policy of our pages would stop it, and the page would be broken instead of wrong."""
TRUSTED = re.compile(r"[^\s=]+\|safe(?:seq)?\b|autoescape\s+off")
POSTED = re.compile(r"<form\b[^>]*\bmethod=[\"']?post\b.*?</form>", re.I | re.S)


def tokens(text: str) -> list[Token]:
    """Return the tags and values of a template."""
    return [token for token in Lexer(text).tokenize() if token.token_type in (TokenType.BLOCK, TokenType.VAR)]


def library(name: str) -> Library:
    """Return what `{% load name %}` brings."""
    known = engines["django"].engine.template_libraries[name]
    found = known if isinstance(known, Library) else import_module(known).register
    assert isinstance(found, Library)
    return found


def idle(text: str) -> list[str]:
    """Return the libraries that a template loads and of which it uses no tag and no filter."""
    said = tokens(text)
    tags = [token.contents.split() for token in said if token.token_type is TokenType.BLOCK]
    used = {words[0] for words in tags} | {name for token in said for name in re.findall(r"\|(\w+)", token.contents)}
    loaded = [name for words in tags if words[0] == "load" for name in words[1:]]
    return [name for name in loaded if not used & {*library(name).tags, *library(name).filters}]


def unescaped(text: str) -> list[str]:
    """Return what a template shows without escaping it, so that whoever wrote it could write a page of ours."""
    return [found for token in tokens(text) for found in TRUSTED.findall(token.contents)]


def open_forms(text: str) -> int:
    """Return how many forms post without the mark by which we know our own."""
    return sum("{% csrf_token %}" not in form for form in POSTED.findall(text))


def faults(text: str) -> list[str]:
    """Return what is wrong with the text of a template, in words."""
    return [
        *(f"carries {what}" for what, pattern in INLINE.items() if pattern.search(text)),
        *(f"loads {name} and uses nothing of it" for name in idle(text)),
        *(f"does not escape: {what}" for what in unescaped(text)),
        *["posts without csrf_token"] * open_forms(text),
    ]


def read(name: str) -> str:
    """Return where Django finds a template, or why it cannot read it."""
    try:
        return str(get_template(name).origin.name)  # type: ignore[attr-defined]
    except TemplateSyntaxError as wrong:
        return str(wrong)


def test_every_template_can_be_read_and_stands_behind_no_other_of_its_name() -> None:
    assert len(TEMPLATES) == sum(len(list(folder.rglob("*.html"))) for folder in FOLDERS) > 100
    assert {name: read(name) for name in TEMPLATES} == {name: str(path) for name, path in TEMPLATES.items()}


def test_templates_load_what_they_use_and_carry_nothing_that_runs() -> None:
    trusted = {name: [f"does not escape: {what}" for what in known] for name, known in UNESCAPED.items()}

    assert {name: wrong for name, path in TEMPLATES.items() if (wrong := faults(path.read_text()))} == trusted


def theirs(name: str) -> bool:
    """Whether a package that we install has a template of this name, for which ours stands in."""
    allauth, forms = (Path(import_module(package).__path__[0]) for package in ("allauth", "django.forms"))
    return any(
        (folder / name).exists()
        for at in (allauth, forms)
        for folder in (*at.glob("templates"), *at.glob("*/templates"))
    )


def test_every_template_is_asked_for_and_every_one_asked_for_is_there() -> None:
    source = "\n".join(path.read_text() for path in (SOURCE / "tocsin").rglob("*") if path.suffix in (".py", ".html"))
    named = set(re.findall(r"[\"']([\w/.-]+\.html)[\"']", source))
    errors = {"400.html", "403.html", "403_csrf.html", "404.html", "500.html"}

    assert [name for name in TEMPLATES if name not in named | errors and not theirs(name)] == []
    assert [name for name in sorted(named - set(TEMPLATES)) if not theirs(name)] == []


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ('<p style="color: red">', "carries a style"),
        ("<style>p { color: red }</style>", "carries a style"),
        ("<script>let word = 1</script>", "carries a script"),
        ('<button onclick="go()">', "carries a script"),
        ('<a href="javascript:go()">', "carries a script"),
        ('<script src="//cdn.example/a.js"></script>', "carries something from elsewhere"),
        ('<img src="https://cdn.example/a.png" alt="">', "carries something from elsewhere"),
        ("{% load i18n %}<p>{{ name }}</p>", "loads i18n and uses nothing of it"),
        ("{% load i18n parts %}{% translate 'Back' %}", "loads parts and uses nothing of it"),
        ("{{ team.name|default:'–'|safe }}", "does not escape: team.name|default:'–'|safe"),
        ("{% if a|safe %}{% endif %}", "does not escape: a|safe"),
        ("{% autoescape off %}{{ name }}{% endautoescape %}", "does not escape: autoescape off"),
        ('<form class="form" method="post">{{ form }}</form>', "posts without csrf_token"),
    ],
)
def test_what_is_wrong_with_a_template_would_be_found(text: str, wrong: str) -> None:
    assert wrong in faults(text)


@pytest.mark.parametrize(
    "text",
    [
        '<script src="{% static \'a.js\' %}" defer></script><script type="application/json">{}</script>',
        '<a href="https://www.first.org/tlp/">TLP</a>',
        '{% load i18n parts %}{% translate "Day" %} {{ day|when }}',
        '<form method="post">{% csrf_token %}</form><form action="/search/"></form>',
        "{{ name }}{# |safe #}{% autoescape on %}{% endautoescape %}",
    ],
)
def test_what_is_right_is_left_alone(text: str) -> None:
    assert faults(text) == []
