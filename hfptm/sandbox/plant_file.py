"""Plant files: what the planter shall put into a running sandbox, and when.

[[plant]]
kind = "YES_BASKET"
event = "rate-decision-december"  # or market = "..." for a kind of one market; or "any"
start_s = 12.5                    # after the start of the exchange
life_ms = 800
edge_usd = 0.05                   # of a set of one share each, before fees
shares = 150
printed = true                    # a trade in one leg, while it lasts
ends = "trade"                    # or "cancel", "move"; else its makers requote

[random]                          # more of them, drawn by the seed for as long as it runs
kinds = ["YES_BASKET", "LOST_DELTA"]
per_minute = 6
life_ms = [200, 3000]             # the least and the most
edge_usd = [0.02, 0.10]
shares = [50, 300]
printed = true
"""

import tomllib
from decimal import Decimal
from pathlib import Path

import msgspec

from hfptm.errors import ConfigError, InputError
from hfptm.sandbox.planted import End, Kind
from hfptm.units import NS_PER_MS, NS_PER_S, format_scaled

ANY = "any"

ARTEFACTS = frozenset({Kind.HALF_BATCH, Kind.LOST_DELTA})
OF_A_MARKET = ARTEFACTS | {Kind.BINARY}
"""All others are of an event."""

LASTING = frozenset(Kind) - {Kind.BINARY, Kind.HALF_BATCH}
"""A BINARY lasts as long as its market's taker delay, a HALF_BATCH as long as its frames take."""

CENT_E4 = 100

Range = tuple[int, int]
"""The least and the most."""

_START_NS = (0, 366 * 86_400 * NS_PER_S)
_LIFE_MS = (1, 3_600_000)
_EDGE_E4 = (1, 5_000)
_CENTS = (1, 50)
_SHARES_E2 = (1, 100_000_000)
_PER_MINUTE = (1, 600)


class Plant(msgspec.Struct, frozen=True, kw_only=True):
    """One thing to plant; what its kind has no use for is 0."""

    kind: Kind
    slug: str
    """Of an event, or of a market for the kinds `OF_A_MARKET`; or `ANY`."""
    start_ns: int
    """After the start of the exchange."""
    life_ns: int = 0
    edge_e4: int = 0
    """Of a set of one share each, before fees."""
    size_e6: int = 0
    is_printed: bool = False
    end: End = End.REQUOTE
    """What is planned; a BINARY trades, whatever it is."""


class RandomPlants(msgspec.Struct, frozen=True, kw_only=True):
    """What to draw plants from; their times are independent of each other."""

    kinds: tuple[Kind, ...]
    per_minute: int
    life_ms: Range
    edge_e4: Range
    """Whole cents."""
    size_e6: Range
    is_printed: bool


class PlantFile(msgspec.Struct, frozen=True):
    source: str
    """What messages call it."""
    plants: list[Plant]
    """As they stand in the file."""
    random: RandomPlants | None


class _Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    kind: Kind
    start_s: Decimal
    event: str = ""
    market: str = ""
    life_ms: Decimal | None = None
    edge_usd: Decimal | None = None
    shares: Decimal | None = None
    printed: bool | None = None
    ends: End | None = None


class _Random(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    kinds: tuple[Kind, ...]
    per_minute: Decimal
    life_ms: tuple[Decimal, Decimal]
    edge_usd: tuple[Decimal, Decimal]
    shares: tuple[Decimal, Decimal]
    printed: bool = False


class _Content(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    plant: list[_Entry] = []
    random: _Random | None = None


def read_plant_file(path: Path) -> PlantFile:
    """Raises InputError for a file that is none, ConfigError for a value that cannot be."""
    try:
        content = tomllib.loads(path.read_text(), parse_float=Decimal)
        file = msgspec.convert(content, _Content, strict=False)
    except OSError as error:
        raise InputError(path, f"{error.strerror}; docs/sandbox-planting.md shows one") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, msgspec.ValidationError) as error:
        raise InputError(path, f"{error}; docs/sandbox-planting.md shows a plant file") from error
    if not file.plant and file.random is None:
        raise InputError(path, "neither [[plant]] nor [random] in it; it shall plant something")
    plants = [
        _Table(str(path), plant_key(number)).plant(entry)
        for number, entry in enumerate(file.plant, 1)
    ]
    _check_apart(str(path), plants)
    random = _Table(str(path), "random").random(file.random) if file.random else None
    return PlantFile(str(path), plants, random)


def plant_key(number: int) -> str:
    """How messages name the plant of a number, counted from 1 as they stand in the file."""
    return f"[[plant]] {number}"


def _check_apart(source: str, plants: list[Plant]) -> None:
    """One thing at a time in one place, as far as a file can tell."""
    last: dict[str, tuple[int, Plant]] = {}
    for number, plant in sorted(enumerate(plants, 1), key=lambda numbered: numbered[1].start_ns):
        if plant.slug in last:
            before_number, before = last[plant.slug]
            if plant.start_ns <= before.start_ns + before.life_ns:
                problem = f"{plant_key(before_number)} still lasts in {plant.slug}; begin it later"
                raise ConfigError(source, f"{plant_key(number)}: start_s", problem)
        if plant.slug != ANY:
            last[plant.slug] = (number, plant)


class _Table:
    """Turns one table's values into integers, or says which of them cannot be."""

    def __init__(self, source: str, name: str) -> None:
        self._source = source
        self._name = name

    def plant(self, entry: _Entry) -> Plant:
        self._check_keys(entry)
        return Plant(
            kind=entry.kind,
            slug=self._slug(entry),
            start_ns=self._scaled("start_s", entry.start_s, 9, _START_NS),
            life_ns=self._life_ms(entry.life_ms) * NS_PER_MS if entry.life_ms is not None else 0,
            edge_e4=self._edge_e4(entry.edge_usd) if entry.edge_usd is not None else 0,
            size_e6=self._size_e6(entry.shares) if entry.shares is not None else 0,
            is_printed=entry.kind is Kind.BINARY or bool(entry.printed),
            end=entry.ends or End.REQUOTE,
        )

    def random(self, table: _Random) -> RandomPlants:
        if not table.kinds:
            raise self._error("kinds", f"expected one or more of {', '.join(Kind)}")
        return RandomPlants(
            kinds=table.kinds,
            per_minute=self._scaled("per_minute", table.per_minute, 0, _PER_MINUTE),
            life_ms=self._range("life_ms", [self._life_ms(value) for value in table.life_ms]),
            edge_e4=self._range("edge_usd", [self._cents_e4(value) for value in table.edge_usd]),
            size_e6=self._range("shares", [self._size_e6(value) for value in table.shares]),
            is_printed=table.printed,
        )

    def _slug(self, entry: _Entry) -> str:
        is_of_market = entry.kind in OF_A_MARKET
        wanted, useless = ("market", "event") if is_of_market else ("event", "market")
        if getattr(entry, useless):
            raise self._error(useless, f"a {entry.kind} is of one {wanted}; give that instead")
        slug: str = getattr(entry, wanted)
        if not slug:
            raise self._error(wanted, f'missing; give the slug of the {wanted}, or "{ANY}"')
        return slug

    def _check_keys(self, entry: _Entry) -> None:
        """Whether what a kind needs is there, and nothing that it has no use for."""
        is_edge = entry.kind not in ARTEFACTS
        uses = {"life_ms": entry.kind in LASTING, "edge_usd": is_edge, "shares": is_edge}
        for key, is_used in uses.items():
            if is_used and getattr(entry, key) is None:
                raise self._error(key, f"missing; a {entry.kind} needs it")
            if not is_used and getattr(entry, key) is not None:
                raise self._error(key, f"a {entry.kind} has no use for it; leave it out")
        has_choice = is_edge and entry.kind is not Kind.BINARY
        for key in ("printed", "ends"):
            if getattr(entry, key) is not None and not has_choice:
                raise self._error(key, f"a {entry.kind} does not choose; leave it out")

    def _life_ms(self, value: Decimal) -> int:
        return self._scaled("life_ms", value, 0, _LIFE_MS)

    def _edge_e4(self, value: Decimal) -> int:
        return self._scaled("edge_usd", value, 4, _EDGE_E4)

    def _cents_e4(self, value: Decimal) -> int:
        """Edges that are drawn come in whole cents, so that they lie on any market's grid."""
        return self._scaled("edge_usd", value, 2, _CENTS) * CENT_E4

    def _size_e6(self, value: Decimal) -> int:
        """Shares come in hundredths."""
        return self._scaled("shares", value, 2, _SHARES_E2) * 10_000

    def _range(self, key: str, values: list[int]) -> Range:
        least, most = values
        if least > most:
            raise self._error(key, "the least comes first")
        return least, most

    def _scaled(self, key: str, value: Decimal, digits: int, bounds: Range) -> int:
        least, most = bounds
        low, high = (Decimal(bound).scaleb(-digits) for bound in bounds)
        # Within bounds before it is scaled: an exponent may be a billion.
        if value.is_finite() and low <= value <= high:
            scaled = value.scaleb(digits)
            if scaled == int(scaled):
                return int(scaled)
        limits = f"{format_scaled(least, digits)} to {format_scaled(most, digits)}"
        decimals = f" with at most {digits} decimals" if digits else ""
        raise self._error(key, f"{value} is no number from {limits}{decimals}")

    def _error(self, key: str, problem: str) -> ConfigError:
        return ConfigError(self._source, f"{self._name}: {key}", problem)
