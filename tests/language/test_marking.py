"""What a reader sees has passed through gettext: in templates, in forms, in messages and in refusals."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest

from tocsin.site import words
from tools.catalogues import SOURCE

TEMPLATES = sorted(SOURCE.rglob("templates/**/*.html"))
ALLOWED = {"Tocsin", "TLP", "SIDS", "min", "AS"}
"""Names and units that no language translates."""
READ_ALOUD = {
    "alt",
    "aria-description",
    "aria-label",
    "aria-roledescription",
    "label",
    "placeholder",
    "summary",
    "title",
}
"""Attributes whose value a person reads or hears; `data-label` is shown in narrow tables."""
SPOKEN_BY_TAGS = re.compile(r"\{%-?\s*(\w+)\s+(.*?)%\}", re.S)
SILENT_TAGS = {"blocktranslate", "elif", "extends", "get", "if", "include", "load", "static", "translate", "url"}
QUOTED = re.compile(r""""([^"]*)"|'([^']*)'""")
SENTENCE = re.compile(r"[A-Z][a-z]+|[a-z]+ [a-z]+")
"""What a tag's argument looks like when it is no code: a capital, or two words."""
WORDS_IN_FILTER = re.compile(r"""\|(?:default|default_if_none|yesno|add):["']([^"']*[A-Za-z]{2}[^"']*)["']""")
TRANSLATED = re.compile(r"\{%-?\s*(blocktranslate|blocktrans|comment)\b.*?\{%-?\s*end\1\s*%\}|\{#.*?#\}", re.S)
WORD = re.compile(r"[^\W\d_]{2,}")


class Text(HTMLParser):
    """Collects what a page says in letters of its own."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[str] = []
        self.unread = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.unread += tag in ("script", "style", "kbd", "code")
        is_button = tag == "input" and dict(attrs).get("type") in ("submit", "button", "reset")
        names = READ_ALOUD | {"data-label"} | ({"value"} if is_button else set())
        for name, value in attrs:
            if name in names:
                self._keep(value or "")

    def handle_endtag(self, tag: str) -> None:
        self.unread -= tag in ("script", "style", "kbd", "code")

    def handle_data(self, data: str) -> None:
        if not self.unread:
            self._keep(data)

    def _keep(self, text: str) -> None:
        if set(WORD.findall(text)) - ALLOWED:
            self.found.append(" ".join(text.split()))


def unmarked(template: str) -> list[str]:
    """Return the texts of a template that gettext does not see."""
    template = TRANSLATED.sub("", template)
    spoken = WORDS_IN_FILTER.findall(template)
    for name, arguments in SPOKEN_BY_TAGS.findall(template):
        if name not in SILENT_TAGS:
            quoted = (one or other for one, other in QUOTED.findall(arguments))
            spoken += [text for text in quoted if SENTENCE.search(text) and set(WORD.findall(text)) - ALLOWED]
    parser = Text()
    parser.feed(re.sub(r"\{%.*?%\}|\{\{.*?\}\}", "", template, flags=re.S))
    parser.close()
    return parser.found + spoken


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.relative_to(SOURCE).as_posix())
def test_no_text_in_a_template_is_left_unmarked(path: Path) -> None:
    assert unmarked(path.read_text()) == []


@pytest.mark.parametrize(
    ("template", "said"),
    [
        ("<p>Nobody yet</p>", ["Nobody yet"]),
        ("<p>Tocsin {{ name }} says</p>", ["Tocsin says"]),
        ("{% if a %}Übersicht{% endif %}", ["Übersicht"]),
        ('<a title="Go back" href="/x/y">{% translate "Back" %}</a>', ["Go back"]),
        ('<td data-label="first day">{{ day }}</td>', ["first day"]),
        ('<input type="submit" value="Send">', ["Send"]),
        ('{% sparkline hours "Phishing" usual=usual %}', ["Phishing"]),
        ('{% section title="of these" %}', ["of these"]),
        ('{{ region|default:"none" }}', ["none"]),
    ],
)
def test_unmarked_text_would_be_found(template: str, said: list[str]) -> None:
    assert unmarked(template) == said


@pytest.mark.parametrize(
    "template",
    [
        "{% blocktranslate count number=n %}{{ number }} claim{% plural %}{{ number }} claims{% endblocktranslate %}",
        '<html lang="en"><title>{% block title %}{% endblock %} · Tocsin</title><kbd>Enter</kbd>',
        '{% if reason == "LinkUsed" %}{% translate "This link was used before" %}{% endif %}',
        '{# Where it is wider than the screen #}<input type="hidden" name="token" value="abc">',
        '{% tlp "RED" %} {{ region|default:"–" }} {% sort_head "name" h css="num" %}',
        "<style>p { color: red }</style><script>let word = 1</script>",
    ],
)
def test_what_is_marked_or_not_read_is_left_alone(template: str) -> None:
    assert unmarked(template) == []


INTERFACE = [
    path
    for room in ("directory", "feeds", "people", "site")
    for path in sorted((SOURCE / room).rglob("*.py"))
    if not {"migrations", "cli", "charts", "demo", "backups", "serving"} & set(path.relative_to(SOURCE).parts)
]
"""Modules whose sentences stand on pages. The command line speaks English, and so do charts to who wrote the page."""
SPOKEN_KEYWORDS = {"help_text", "label", "remedy"}
MESSAGES = {"debug", "error", "info", "success", "warning"}
REFUSALS = {
    "Busy", "Conflict", "InvalidInput", "LinkExpired", "LinkUnknown", "LinkUsed", "NotAPublicKey", "NotPermitted",
    "Unavailable",
}  # fmt: skip
ADMINISTRATION = {
    "config.py", "examination.py", "instance.py", "secret.py", "setting_up.py", "starting.py",
    "holding.py", "mappings.py", "schemas.py", "sweeping.py", "watching.py",
}  # fmt: skip
"""Read in a terminal: while an instance is set up, and where the engine's commands wait and read files."""


def spoken(call: ast.Call) -> Iterator[ast.expr]:
    """Yield the arguments of a call that somebody will read."""
    yield from (keyword.value for keyword in call.keywords if keyword.arg in SPOKEN_KEYWORDS)
    function = call.func
    name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
    owner = getattr(function.value, "id", "") if isinstance(function, ast.Attribute) else ""
    if name == "add_error" or (owner == "messages" and name in MESSAGES):
        yield from call.args[1:2]
    elif name in REFUSALS | {"ValidationError"}:
        yield from call.args[:1]


def is_bare(argument: ast.expr) -> bool:
    """Whether an argument is a sentence that stands there as it is."""
    if isinstance(argument, ast.JoinedStr):
        return any(isinstance(part, ast.Constant) and WORD.search(str(part.value)) for part in argument.values)
    return isinstance(argument, ast.Constant) and isinstance(argument.value, str) and bool(WORD.search(argument.value))


def bare_lines(source: str) -> list[int]:
    """Return the lines on which something is said in English only."""
    calls = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    return sorted(argument.lineno for call in calls for argument in spoken(call) if is_bare(argument))


@pytest.mark.parametrize("path", INTERFACE, ids=lambda path: path.relative_to(SOURCE).as_posix())
def test_what_pages_say_from_python_is_marked(path: Path) -> None:
    if path.name not in ADMINISTRATION:
        assert bare_lines(path.read_text()) == []


@pytest.mark.parametrize(
    "source",
    [
        'forms.CharField(label="Name")',
        'messages.success(request, f"{value} is confirmed.")',
        'raise InvalidInput("No such sector.", where="sector")',
        'form.add_error("again", "The two passwords differ.")',
        'raise forms.ValidationError("Write each line anew.")',
    ],
)
def test_a_bare_sentence_would_be_found(source: str) -> None:
    assert bare_lines(source) == [1]


def test_a_marked_sentence_is_left_alone() -> None:
    assert bare_lines('raise Conflict(_("There is an account for {email} already.").format(email=email))') == []
    assert bare_lines('messages.error(request, str(refused)); forms.CharField(label=_("Name"))') == []
    assert bare_lines('form.add_error(None, f"{sentence}")') == []


def test_every_part_of_the_software_that_acts_has_a_word() -> None:
    """The trail holds `System("command line")`; pages say it in the reader's language."""
    calls = [node for path in SOURCE.rglob("*.py") for node in ast.walk(ast.parse(path.read_text()))]
    named = {
        node.args[0].value
        for node in calls
        if isinstance(node, ast.Call)
        and getattr(node.func, "id", "") == "System"
        and isinstance(node.args[0], ast.Constant)
    }

    assert named == set(words.ACTORS)


LABELS = re.compile(r"\{\{ (?:\w+\.)*(?:actor_label|author_label|owner_label|confirmed_by)(?!\|actor)")


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.relative_to(SOURCE).as_posix())
def test_pages_name_who_acted_in_words(path: Path) -> None:
    assert LABELS.findall(path.read_text()) == []
