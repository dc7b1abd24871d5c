"""Text stays text, whatever is written in it."""

from html.parser import HTMLParser

from hypothesis import given
from hypothesis import strategies as st

from replay.html import Html, fold, join, pairs, prose, table, tag


class Reader(HTMLParser):
    def __init__(self, markup: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(markup)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


TEXTS = st.text(st.characters(exclude_characters="\r\0", exclude_categories=["Cs"]))


@given(TEXTS, TEXTS)
def test_what_goes_in_comes_out_as_text(said: str, named: str) -> None:
    found = Reader(tag("p", said, title=named))
    assert found.text == said
    assert found.tags == [("p", {"title": named})]


@given(st.lists(st.tuples(TEXTS, TEXTS), max_size=4))
def test_tables_hold_their_cells_and_no_other_tag(rows: list[tuple[str, str]]) -> None:
    found = Reader(table("caption", ("a", "b"), rows))
    assert found.text == "captionab" + "".join(cell for row in rows for cell in row)
    assert [name for name, _ in found.tags].count("td") == len(rows)
    assert {name for name, _ in found.tags} <= {
        *("div", "table", "caption", "thead", "tbody", "tr", "th", "td")
    }


def test_markup_is_written_once() -> None:
    inner = tag("b", "<")
    assert tag("p", "a & ", inner) == "<p>a &amp; <b>&lt;</b></p>"
    assert join([inner, "<"]) == "<b>&lt;</b>&lt;"
    assert isinstance(tag("p"), Html)
    assert fold("more", inner) == "<details><summary>more</summary><b>&lt;</b></details>"


def test_what_is_to_be_typed_is_marked() -> None:
    assert prose("a `hfptm <x>` b") == "a <code>hfptm &lt;x&gt;</code> b"
    assert prose("<") == "&lt;"


def test_what_sighted_people_see_others_hear() -> None:
    found = Reader(table("Money", ("", "$"), [("cash", "1")]))
    assert (
        "div",
        {"class": "scroll", "tabindex": "0", "role": "region", "aria-label": "Money"},
    ) in (found.tags)
    assert [attributes for name, attributes in found.tags if name == "th"] == [
        {"scope": "col"},
        {"scope": "col"},
        {"scope": "row"},
    ]
    assert pairs([("a", "b")]) == "<dl><dt>a</dt><dd>b</dd></dl>"
