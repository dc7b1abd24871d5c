"""What the name of a market says: whether a list names it, and whether it is a short window.

Recording and trading ask the same questions of the same texts, so both ask here.
"""

import re
from collections.abc import Iterable

from hfptm.units import NS_PER_S

HOUR_NS = 3_600 * NS_PER_S

_NO_WORD = re.compile(r"[^a-z0-9]+")
_UP_OR_DOWN = ("updown-", "up-or-down")
_STAMPED = re.compile(r".+-updown-[0-9]+[mhd]-(?P<start_s>[0-9]{10})")
_HOURLY = re.compile(r".+-up-or-down-.+-[0-9]{1,2}(?:am|pm)-et")


def names_of(text: str) -> tuple[str, ...]:
    """The names between commas, in lower case."""
    return tuple(name for part in text.split(",") if (name := part.strip().lower()))


def is_named(names: Iterable[str], condition_id: str, *texts: str) -> bool:
    """Whether a name is the condition id, or its words stand together in a text.

    `texts`: slugs and questions; a part of a word matches nothing.
    """
    spoken = [_words(text) for text in texts]
    return any(
        name == condition_id or any(_words(name) in text for text in spoken) for name in names
    )


def _words(text: str) -> str:
    return f" {_NO_WORD.sub(' ', text.lower()).strip()} "


def is_up_or_down(*slugs: str) -> bool:
    """Whether a market, event or series of this name is about a price going up or down."""
    return any(mark in slug for mark in _UP_OR_DOWN for slug in slugs)


def is_short_window(start_ns: int, end_ns: int, longest_ns: int, *slugs: str) -> bool:
    """Whether a market of these names and times is a short window of an up or down series."""
    return start_ns > 0 and 0 < end_ns - start_ns <= longest_ns and is_up_or_down(*slugs)


def named_start_ns(slug: str, end_ns: int) -> int:
    """Start of the window that the slug of an up or down market names; 0 if it names none.

    "btc-updown-15m-1793000000" starts at that second, "bitcoin-up-or-down-june-25-3pm-et" an hour
    before its end.
    """
    if stamped := _STAMPED.fullmatch(slug):
        return int(stamped["start_s"]) * NS_PER_S
    return end_ns - HOUR_NS if end_ns > HOUR_NS and _HOURLY.fullmatch(slug) else 0
