"""The style sheet keeps the promises of the design: tokens, contrast, direction, weight."""

from __future__ import annotations

import gzip
import re

import pytest

from tocsin.site.settings import SITE

SHEET = (SITE / "static/site/tocsin.css").read_text()
LIMIT_BYTES = 12 * 1024

LIGHT = {
    "paper": "#f3f5f4", "sheet": "#ffffff", "sunk": "#e6ebe9", "ink": "#13201e", "ink2": "#4a5957", "line": "#d0d8d5",
    "edge": "#72807d", "teal": "#0a5a5c", "teal-deep": "#063f41", "teal-soft": "#d5e7e5", "on-teal": "#ffffff",
    "mark": "#2f7f80", "usual": "#d3dcda", "e1": "#5c1203", "e2": "#8a240b", "e3": "#b4400f", "e4": "#cf6833",
    "e5": "#f0b890", "e6": "#f8dfcf", "on-e1": "#ffffff", "on-e4": "#1d0b04", "ember": "#a2340d", "band": "#8a240b",
    "on-band": "#ffffff", "hatch": "#13201e", "tlp-edge": "#000000",
}  # fmt: skip
DARK = {
    "paper": "#0f1615", "sheet": "#161f1d", "sunk": "#212c2a", "ink": "#e4ebe9", "ink2": "#a3b2af", "line": "#2b3735",
    "edge": "#71827e", "teal": "#67c7c1", "teal-deep": "#9be0db", "teal-soft": "#17393a", "on-teal": "#04201f",
    "mark": "#4aa5a1", "usual": "#2b3836", "e1": "#ffc9ae", "e2": "#f7a078", "e3": "#e0703d", "e4": "#b0532a",
    "e5": "#652f1a", "e6": "#3d241b", "on-e1": "#200a02", "on-e4": "#ffffff", "ember": "#f59a72", "band": "#6a1f0c",
    "on-band": "#ffe9df", "hatch": "#e4ebe9", "tlp-edge": "#71827e",
}  # fmt: skip

TEXT_PAIRS = [
    ("ink", "paper"), ("ink", "sheet"), ("ink", "sunk"), ("ink", "teal-soft"), ("ink2", "paper"), ("ink2", "sheet"),
    ("ink2", "sunk"), ("teal", "paper"), ("teal", "sheet"), ("teal-deep", "paper"), ("on-teal", "teal"),
    ("ember", "paper"), ("ember", "sheet"), ("on-e1", "e1"), ("on-e1", "e2"), ("on-e1", "e3"), ("on-e4", "e4"),
    ("on-e4", "e5"), ("on-e4", "e6"), ("on-band", "band"),
]  # fmt: skip
MARK_PAIRS = [
    ("edge", "paper"), ("edge", "sheet"), ("mark", "paper"), ("mark", "usual"), ("e1", "paper"), ("e2", "paper"),
    ("e3", "paper"), ("e4", "paper"), ("teal", "teal-soft"), ("edge", "teal-soft"),
]  # fmt: skip


def tokens(text: str) -> dict[str, str]:
    """Return the colours that a piece of the sheet sets, written with six digits."""
    found = re.findall(r"--([\w-]+): (#[0-9a-f]{3,6})\b", text)
    return {
        name: colour if len(colour) == 7 else "#" + "".join(2 * digit for digit in colour[1:]) for name, colour in found
    }


def halves() -> tuple[str, str]:
    """Return the part of the sheet for light, and the one for dark."""
    light, dark = SHEET.split("@media screen and (prefers-color-scheme: dark)", 1)
    return light, dark.split("/* 2 Ground */")[0]


def luminance(colour: str) -> float:
    """Relative luminance as WCAG 2.2 defines it."""
    channels = [int(colour[index : index + 2], 16) / 255 for index in (1, 3, 5)]
    red, green, blue = (value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """Contrast ratio as WCAG 2.2 defines it."""
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def rules_without_comments() -> str:
    return re.sub(r"/\*.*?\*/", "", SHEET, flags=re.DOTALL)


def test_the_sheet_has_the_colours_of_the_design_in_light_and_in_dark() -> None:
    light, dark = halves()

    assert tokens(light) == LIGHT
    assert tokens(dark) == DARK


def test_the_sheet_weighs_little() -> None:
    assert len(gzip.compress(SHEET.encode(), 9)) <= LIMIT_BYTES


@pytest.mark.parametrize("colours", [LIGHT, DARK], ids=["light", "dark"])
@pytest.mark.parametrize(("one", "other"), TEXT_PAIRS)
def test_text_can_be_read(colours: dict[str, str], one: str, other: str) -> None:
    assert contrast(colours[one], colours[other]) >= 4.5


@pytest.mark.parametrize("colours", [LIGHT, DARK], ids=["light", "dark"])
@pytest.mark.parametrize(("one", "other"), MARK_PAIRS)
def test_marks_can_be_told_apart(colours: dict[str, str], one: str, other: str) -> None:
    assert contrast(colours[one], colours[other]) >= 3


@pytest.mark.parametrize("colour", ["#ff2b2b", "#ffc000", "#33ff00", "#ffffff"])
def test_sharing_labels_can_be_read_on_black(colour: str) -> None:
    assert contrast(colour, "#000000") >= 4.5
    assert colour in SHEET or "#" + colour[1::2] in SHEET


PHYSICAL = re.compile(
    r"(?<![\w-])(?:(?:margin|padding|border|scroll-margin|scroll-padding)-(?:left|right|top|bottom)[\w-]*"
    r"|border-(?:top|bottom)-(?:left|right)-radius|left|right|top|bottom|float|clear"
    r"|(?:min-|max-)?(?:width|height))\s*:"
)


def test_no_property_names_a_side_of_the_screen() -> None:
    rules = re.sub(r"@media[^{]*", "", rules_without_comments())

    assert PHYSICAL.findall(rules) == []
    assert re.findall(r"text-align:\s*(?:left|right)", rules) == []


def test_no_shorthand_sets_four_sides_apart() -> None:
    four = re.findall(
        r"(?:margin|padding|inset|border-width|border-radius):(?:\s+[\w.-]+){4}\s*[;}]", rules_without_comments()
    )

    assert four == []


def test_the_physical_properties_would_be_found() -> None:
    assert PHYSICAL.search("a { margin-left: 1px }")
    assert PHYSICAL.search("a { width: 1px }")
    assert not PHYSICAL.search("a { inline-size: 1px; border-block-start-color: red; stroke-width: 2 }")


def test_print_is_always_light_and_has_its_page() -> None:
    assert "@media (prefers-color-scheme: dark)" not in SHEET
    assert "@page" in SHEET and "@media print" in SHEET


def test_shadows_and_foreign_files_are_not_used() -> None:
    assert "box-shadow" not in SHEET
    assert "url(" not in SHEET and "@import" not in SHEET and "@font-face" not in SHEET
