"""Gamma's filters, orders and pages, over whatever is to be looked through.

Source: exchange reference, section 6. A page by keyset goes on behind the last entry of the page
before it, so that what appears or leaves in between moves nothing.
"""

import base64
from collections.abc import Callable, Iterable
from typing import Generic, TypeVar

import msgspec

from hfptm.clock import parse_utc_ns
from hfptm.sandbox.calls import ApiError, Call

LIMIT_DEFAULT = 20
OFFSET_MAX = 2_000
_LIMIT_TYPED_MAX = 1_000_000

Entry = TypeVar("Entry")
Key = tuple[int | str, int]
"""What entries are sorted by: the value of the field asked for, then the id."""

_CURSOR = msgspec.json.Decoder(tuple[int | str, int])


class Selection(Generic[Entry]):
    """The entries that pass every filter a call asks for. Bad values are refused with 422."""

    def __init__(self, call: Call, entries: Iterable[Entry]) -> None:
        self._call = call
        self._entries = list(entries)
        self._is_descending = call.first("ascending") == "false"

    def flag(self, name: str, value: Callable[[Entry], bool]) -> None:
        """Filter by a yes or no."""
        wanted = self._call.first(name)
        if wanted not in ("", "true", "false"):
            raise ApiError(422, f"{name}: {wanted!r} is neither true nor false")
        if wanted:
            self._keep(lambda entry: value(entry) == (wanted == "true"))

    def one_of(
        self, name: str, values: Callable[[Entry], tuple[str, ...]], most: int | None = None
    ) -> None:
        """Keep what has one of the values asked for, which may be `most` at a time."""
        wanted = frozenset(self._call.query.get(name, ()))
        if most is not None and len(wanted) > most:
            raise ApiError(422, f"{name}: at most {most} at a time")
        if wanted:
            self._keep(lambda entry: not wanted.isdisjoint(values(entry)))

    def between(self, name: str, ts_ns: Callable[[Entry], int]) -> None:
        """Filter by `name`_min and `name`_max, both inclusive."""
        low_ns, high_ns = self._time_ns(f"{name}_min"), self._time_ns(f"{name}_max")
        if low_ns is not None:
            self._keep(lambda entry: ts_ns(entry) >= low_ns)
        if high_ns is not None:
            self._keep(lambda entry: ts_ns(entry) <= high_ns)

    def _keep(self, test: Callable[[Entry], bool]) -> None:
        self._entries = [entry for entry in self._entries if test(entry)]

    def _time_ns(self, name: str) -> int | None:
        text = self._call.first(name)
        try:
            return parse_utc_ns(text) if text else None
        except ValueError as error:
            raise ApiError(422, f"{name}: {error}") from error

    def ordered(
        self, orders: dict[str, Callable[[Entry], int | str]], entry_id: Callable[[Entry], int]
    ) -> list[tuple[Key, Entry]]:
        """By the field asked for, then by id; upwards unless `ascending` is false."""
        name = self._call.first("order") or "id"
        if name not in orders:
            raise ApiError(422, f"order: {name!r} is none of {', '.join(orders)}")
        by = orders[name]
        keyed = [((by(entry), entry_id(entry)), entry) for entry in self._entries]
        return sorted(keyed, key=lambda pair: pair[0], reverse=self._is_descending)

    def by_offset(self, ordered: list[tuple[Key, Entry]], limit_max: int) -> list[Entry]:
        """A page; a limit beyond the most is cut to it."""
        limit = min(self._whole("limit", LIMIT_DEFAULT, 0, _LIMIT_TYPED_MAX), limit_max)
        offset = self._whole("offset", 0, 0, OFFSET_MAX)
        return [entry for _, entry in ordered[offset : offset + limit]]

    def by_keyset(
        self, ordered: list[tuple[Key, Entry]], limit_max: int
    ) -> tuple[list[Entry], dict[str, str]]:
        """(a page, its `next_cursor` unless it is the last one)."""
        if "offset" in self._call.query:
            raise ApiError(422, "offset is not supported with keyset pagination: use after_cursor")
        limit = self._whole("limit", LIMIT_DEFAULT, 1, limit_max)
        if cursor := self._call.first("after_cursor"):
            ordered = self._after(ordered, cursor)
        page = ordered[:limit]
        entries = [entry for _, entry in page]
        if len(page) == len(ordered):
            return entries, {}
        text = base64.urlsafe_b64encode(msgspec.json.encode(page[-1][0])).decode()
        return entries, {"next_cursor": text}

    def _after(self, ordered: list[tuple[Key, Entry]], cursor: str) -> list[tuple[Key, Entry]]:
        try:
            after = _CURSOR.decode(base64.urlsafe_b64decode(cursor))
            if self._is_descending:
                return [pair for pair in ordered if pair[0] < after]
            return [pair for pair in ordered if pair[0] > after]
        except (ValueError, TypeError) as error:  # of base64, UTF-8, msgspec; of another order
            raise ApiError(422, "after_cursor belongs to no page of this query") from error

    def _whole(self, name: str, default: int, low: int, high: int) -> int:
        text = self._call.first(name) or str(default)
        if not (text.isascii() and text.isdigit()) or not low <= int(text) <= high:
            raise ApiError(422, f"{name}: {text!r} is no number from {low} to {high}")
        return int(text)
