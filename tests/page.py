"""An HTML page read back: its elements in order, and what stands in them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = frozenset({"meta", "link", "input", "option", "wbr", "br", "img"})


@dataclass(eq=False)
class Element:
    """`children` are elements and texts, in document order."""

    tag: str
    attributes: dict[str, str]
    children: list[Element | str] = field(default_factory=list)

    @property
    def text(self) -> str:
        return "".join(child if isinstance(child, str) else child.text for child in self.children)

    def walk(self) -> Iterator[Element]:
        yield self
        for child in self.children:
            if isinstance(child, Element):
                yield from child.walk()

    def all(self, tag: str, named: str = "") -> list[Element]:
        """The elements with a tag and, when one is named, a class."""
        found = (item for item in self.walk() if item.tag == tag)
        return [item for item in found if not named or named in item.attributes.get("class", "").split()]

    def one(self, tag: str, named: str = "") -> Element:
        (found,) = self.all(tag, named)
        return found

    def with_id(self, name: str) -> Element:
        (found,) = (item for item in self.walk() if item.attributes.get("id") == name)
        return found


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open = [Element("", {})]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len({name for name, _ in attrs}) == len(attrs), f"an attribute stands twice in <{tag}>"
        element = Element(tag, {name: value or "" for name, value in attrs})
        self.open[-1].children.append(element)
        if tag not in VOID:
            self.open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        if tag in VOID:
            return
        assert self.open[-1].tag == tag, f"</{tag}> closes <{self.open[-1].tag}>"
        self.open.pop()

    def handle_data(self, text: str) -> None:
        self.open[-1].children.append(text)

    def handle_comment(self, text: str) -> None:
        raise AssertionError(f"a comment: {text}")


def read(text: str) -> Element:
    """The page; an element that is closed by another's end is an error."""
    reader = _Reader()
    reader.feed(text)
    reader.close()
    assert [item.tag for item in reader.open] == [""]
    return reader.open[0]
