"""GRID.toml: which parameter sets a sweep tries, in their order.

    [grid]                                  # every combination; the last key changes fastest
    "sim.entry_latency_ms" = [0, 50, 150]
    "trading.min_edge" = [0.01, 0.025]

    [[sets]]                                # or a list
    "sim.entry_latency_ms" = 50

    [random]                                # or drawn, the same ones for the same seed
    count = 200
    seed = 1
    "trading.order_type" = ["fak", "fok"]
    "sim.entry_latency_ms" = { low = 0, high = 300, step = 10 }
    "trading.max_arb_size_usd" = { low = 10, high = 1000, log = true }

Whatever a file does not name is as in the configuration. Every error is a ConfigError that names
the file's line and what to do.
"""

from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from itertools import islice, product
from math import prod
from pathlib import Path
from typing import Any, Literal, NamedTuple, get_type_hints

import numpy as np

from hfptm.config import SECTIONS, Config, limits, with_settings
from hfptm.errors import ConfigError
from hfptm.limits import Limits
from hfptm.settings import Setting, from_toml, read_toml
from replay.choices import Choices, Span

SETS_MAX = 20_000
"""What one sweep tries at most; more would only find more luck."""

TRIES = 100
"""Draws for each set wanted; where sets are few, most draws are of one that is there already."""

EFFECTIVE = (
    *("trading", "risk", "fees", "sim", "quality", "live"),
    "discovery.short_window_s",
)
"""Sections and keys that a replay goes by."""

WITHOUT_EFFECT = ("trading.mode",)
"""Of these sections."""

Form = Literal["grid", "list", "random"]
FORMS: dict[str, Form] = {"grid": "grid", "sets": "list", "random": "random"}
"""By the name of their table."""

Values = dict[str, object]


class Grid(NamedTuple):
    """Sets by number: the swept values of each, and its whole configuration."""

    kind: Form
    keys: tuple[str, ...]
    values: list[Values]
    configs: list[Config]


class Space(NamedTuple):
    """What [random] names: a choice for each key, and how often and by which seed it is drawn."""

    choices: dict[str, Choices | Span]
    draws: int
    seed: int


def setting_type(name: str) -> type:
    """int, str or Decimal: what a "section.key" holds."""
    section, key = name.split(".")
    hint = get_type_hints(SECTIONS[section])[key]
    return hint if isinstance(hint, type) else str


def read_grid(path: Path, base: Config) -> Grid:
    return _File(path).grid(base)


def read_space(path: Path) -> Space:
    """Of a file with [random] alone, which `hfptm tune` searches."""
    file = _File(path)
    if file.form != "random":
        raise file.error(file.table, "cannot be searched; write [random], see docs/sweep.md")
    return file.space()


class _File:
    def __init__(self, path: Path) -> None:
        self._path = path
        tables = read_toml(path, "GRID.toml")
        self._lines = path.read_text(encoding="utf-8").splitlines()
        for name in tables:
            if name not in FORMS:
                raise self.error(name, f"is unknown; write one of {_names(FORMS)}")
        if len(tables) != 1:
            raise self.error("the file", f"holds {len(tables)} of {_names(FORMS)}; write one")
        self.table, self._content = next(iter(tables.items()))
        self.form = FORMS[self.table]
        if not isinstance(self._content, list if self.form == "list" else dict):
            raise self.error(self.table, f"is a table; write it as {_names([self.table])}")

    def error(self, key: str, problem: str) -> ConfigError:
        """Names the first line that speaks of the key."""
        end = key.rpartition(".")[2]
        found = (number for number, line in enumerate(self._lines, 1) if end in line)
        line = next(found, None)
        return ConfigError(f"{self._path}:{line}" if line else str(self._path), key, problem)

    def grid(self, base: Config) -> Grid:
        rows = self._rows()
        if not rows:
            raise self.error(self.table, "names no key; give at least one, as section.key")
        keys = tuple(dict.fromkeys(key for row in rows for key in row))
        values = [{key: row.get(key, _value(base, key)) for key in keys} for row in rows]
        configs = [
            with_settings(base, row, f"{self._path}: set {number}")
            for number, row in enumerate(values)
        ]
        self._require_different(list(map(limits, configs)))
        return Grid(self.form, keys, values, configs)

    def _rows(self) -> list[Values]:
        if self.form == "list":
            self._require_few(len(self._content))
            return [dict(self._settings(row)) for row in self._content]
        if self.form == "random":
            return list(self._draw(self.space()))
        lists = {key: self._list(key, value) for key, value in _flat(self._content)}
        self._require_few(prod(len(choices.values) for choices in lists.values()))
        combined = product(*(choices.values for choices in lists.values()))
        return [dict(zip(lists, row, strict=True)) for row in combined] if lists else []

    def _settings(self, row: Any) -> Iterator[tuple[str, object]]:
        if not isinstance(row, dict):
            raise self.error(self.table, "is a list of tables; write [[sets]] before each")
        for key, value in _flat(row):
            yield key, self._typed(key, value)

    def space(self) -> Space:
        content = dict(_flat(self._content))
        count, seed = content.pop("count", None), content.pop("seed", 0)
        if type(count) is not int or count < 1:
            raise self.error("count", f"{count!r} is refused; allowed: how many, 1 or more")
        if type(seed) is not int or seed < 0:
            raise self.error("seed", f"{seed!r} is refused; allowed: a whole number, 0 or more")
        self._require_few(count)
        choices = {key: self._choice(key, value) for key, value in content.items()}
        if not choices:
            raise self.error(self.table, "names no key; give at least one, as section.key")
        return Space(choices, count, seed)

    def _draw(self, space: Space) -> Iterator[Values]:
        """Different ones."""
        rng = np.random.default_rng(space.seed)
        shares = (rng.random(len(space.choices)).tolist() for _ in range(TRIES * space.draws))
        drawn = (
            {key: choice.pick(share) for (key, choice), share in zip(choices, row, strict=True)}
            for choices, row in ((space.choices.items(), row) for row in shares)
        )
        different = list(islice(_first_of_each(drawn), space.draws))
        if len(different) < space.draws:
            problem = f"only {len(different)} different sets were found; ask for no more"
            raise self.error("count", problem)
        yield from different

    def _choice(self, key: str, value: Any) -> Choices | Span:
        if not isinstance(value, dict):
            return self._list(key, value)
        kind, known = self._kind(key), {"low", "high", "step", "log"}
        if kind is str:
            raise self.error(key, "is no number; list its values")
        if not {"low", "high"} <= value.keys() <= known or ("step" in value) == ("log" in value):
            raise self.error(key, "write {low, high, step} or {low, high, log = true}")
        if value.get("log", True) is not True:
            raise self.error(key, "log is true, or left out for a step")
        low, high = (Decimal(str(self._typed(key, value[end]))) for end in ("low", "high"))
        if low >= high:
            raise self.error(key, f"low, {low}, is not below high, {high}")
        if "log" in value:
            if low <= 0:
                raise self.error(key, f"low, {low}, has no logarithm; begin above 0, or use step")
            return Span(low, high, kind)
        return self._steps(key, (low, high), value["step"])

    def _steps(self, key: str, ends: tuple[Decimal, Decimal], step: Any) -> Choices:
        low, high = ends
        if type(step) not in (int, Decimal) or step <= 0:
            raise self.error(key, f"step {step} is refused; allowed: a number above 0")
        count = int((high - low) / step) + 1
        self._require_few(count)
        kind = self._kind(key)
        return self._list(key, [kind(low + number * step) for number in range(count)])

    def _list(self, key: str, values: Any) -> Choices:
        self._kind(key)
        if not isinstance(values, list) or not values:
            raise self.error(key, "is no list of values; write [one, two, ...]")
        typed = [self._typed(key, value) for value in values]
        twice = next((value for n, value in enumerate(typed) if value in typed[:n]), None)
        if twice is not None:
            raise self.error(key, f"{twice} is there twice; once is enough")
        return Choices(tuple(typed))

    def _typed(self, key: str, value: Any) -> object:
        self._kind(key)
        section, name = key.split(".")
        return from_toml(SECTIONS, Setting(str(self._path), section, name, value)).value

    def _kind(self, key: str) -> type:
        """Of the values of a key that may be swept."""
        section, _, name = key.partition(".")
        if section in SECTIONS and name in SECTIONS[section].__annotations__:
            is_effective = section in EFFECTIVE or key in EFFECTIVE
            if not is_effective or key in WITHOUT_EFFECT:
                known = ", ".join(EFFECTIVE)
                raise self.error(key, f"has no effect on a replay; sweep keys of {known}")
            return setting_type(key)
        if not name:
            raise self.error(key, "is no key; write it as section.key, or [grid] before it")
        from_toml(SECTIONS, Setting(str(self._path), section, name, ""))  # names what is near
        raise AssertionError(key)

    def _require_few(self, count: int) -> None:
        if count > SETS_MAX:
            raise self.error(
                self.table, f"gives {count:,} sets, more than {SETS_MAX:,}; draw some with [random]"
            )

    def _require_different(self, found: list[Limits]) -> None:
        numbers: dict[Limits, int] = {}
        for number, one in enumerate(found):
            first = numbers.setdefault(one, number)
            if first != number:
                problem = f"set {number} is set {first} once more; remove it"
                raise self.error(self.table, problem)


def _flat(table: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """A key without quotes, section.key, is a table to TOML."""
    for name, value in table.items():
        if name in SECTIONS and isinstance(value, dict):
            yield from ((f"{name}.{key}", inner) for key, inner in value.items())
        else:
            yield name, value


def _first_of_each(rows: Iterable[Values]) -> Iterator[Values]:
    seen = set()
    for row in rows:
        key = tuple(row.values())
        if key not in seen:
            seen.add(key)
            yield row


def _value(config: Config, key: str) -> object:
    section, name = key.split(".")
    value: object = getattr(getattr(config, section), name)
    return value


def _names(tables: Iterable[str]) -> str:
    return ", ".join(f"[[{name}]]" if FORMS[name] == "list" else f"[{name}]" for name in tables)
