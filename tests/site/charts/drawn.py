"""Read a drawing back: its elements as (tag, attributes, text)."""

from __future__ import annotations

import dataclasses
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator


@dataclasses.dataclass(frozen=True)
class Drawn:
    """One element of a drawing."""

    tag: str
    attributes: dict[str, str]
    text: str

    def at(self, name: str) -> float:
        """Return an attribute as a number, percentages without their sign."""
        return float(self.attributes[name].rstrip("%"))


def elements(markup: str) -> Iterator[Drawn]:
    """Yield every element in order. Fails when the markup is not well formed."""
    for each in ElementTree.fromstring(markup).iter():
        yield Drawn(each.tag, dict(each.attrib), "".join(each.itertext()))


def of_class(markup: str, name: str) -> list[Drawn]:
    """Return the elements that bear a class."""
    return [each for each in elements(markup) if name in each.attributes.get("class", "").split()]


def title(markup: str) -> str:
    """Return the name of the drawing."""
    return next(each.text for each in elements(markup) if each.tag == "title")


def points(line: Drawn) -> list[tuple[float, float]]:
    """Return the places that a path goes through."""
    return [(float(x), float(y)) for x, y in (step.split() for step in line.attributes["d"][1:].split("L"))]
