"""Writes HTML: text is escaped unless it is markup already, so nobody's words become a tag."""

from collections.abc import Iterable, Sequence
from html import escape


class Html(str):
    """Markup, which is not escaped again."""

    __slots__ = ()


def tag(name: str, *children: str, **attributes: str) -> Html:
    """An element; a trailing _ of an attribute's name falls, and _ within becomes a dash."""
    named = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(value)}"'
        for key, value in attributes.items()
    )
    return Html(f"<{name}{named}>{join(children)}</{name}>")


def join(children: Iterable[str]) -> Html:
    return Html("".join(text(child) for child in children))


def text(child: str) -> str:
    return child if isinstance(child, Html) else escape(child)


def prose(words: str) -> Html:
    """Text of which what stands between backticks is to be typed."""
    parts = words.split("`")
    return join(tag("code", part) if place % 2 else part for place, part in enumerate(parts))


def table(
    caption: str, columns: Sequence[str], rows: Iterable[Sequence[str]], class_: str = "numbers"
) -> Html:
    """Its first column heads the rows; it scrolls by itself where it is too wide.

    `class_`: "words" stand to the left.
    """
    head = tag("tr", *(tag("th", column, scope="col") for column in columns))
    body = [
        tag("tr", tag("th", row[0], scope="row"), *(tag("td", cell) for cell in row[1:]))
        for row in rows
    ]
    made = tag(
        "table", tag("caption", caption), tag("thead", head), tag("tbody", *body), class_=class_
    )
    return tag("div", made, class_="scroll", tabindex="0", role="region", aria_label=caption)


def pairs(rows: Iterable[tuple[str, str]]) -> Html:
    """Names and what they say."""
    return tag("dl", *(part for name, said in rows for part in (tag("dt", name), tag("dd", said))))


def fold(summary: str, *children: str) -> Html:
    """Shown when asked for."""
    return tag("details", tag("summary", summary), *children)


def section(title: str, *children: str) -> Html:
    return tag("section", tag("h2", title), *children)
