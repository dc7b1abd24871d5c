"""Market and group definitions that lie beside a recording of frames."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from hfptm.errors import InputError
from hfptm.registry import Group, Market, market_id, problem
from hfptm.units import NS_PER_MS, scale_float

T = TypeVar("T")


def read_groups(path: Path) -> list[Group]:
    """One `registry.Group` as JSON a line."""
    return _decode_lines(path, Group)


def read_markets(path: Path, groups: Sequence[Group]) -> list[Market]:
    """One `registry.Market` as JSON a line; each names one of `groups` or 0."""
    markets = _decode_lines(path, Market)
    known = {group.group for group in groups} | {0}
    for market in markets:
        wrong = problem(market)
        if market.group not in known:
            wrong = f"group {market.group} is not defined in groups.jsonl"
        if wrong:
            raise InputError(path, f"market {market.slug}: {wrong}")
    return markets


class _Outcome(msgspec.Struct):
    token_id: str
    outcome: str


class _FeeConfig(msgspec.Struct):
    exponent: int
    rate: float


class _Fees(msgspec.Struct):
    raw_fee_config: _FeeConfig


class _UpDownMarket(msgspec.Struct):
    """{"slug":"btc-updown-15m-1777514400","title":"…","condition_id":"0x…","outcomes":[{"token_id":
    "91…","outcome":"Up"},…],"end_ts":1777515300000,"tick_size":0.01,"min_order_size":5.0,
    "fee_parameters":{"raw_fee_config":{"exponent":1,"rate":0.072,…},…},…}
    """

    slug: str
    title: str
    condition_id: str
    outcomes: list[_Outcome]
    end_ts: int
    tick_size: float
    min_order_size: float
    fee_parameters: _Fees


def read_updown_markets(path: Path, valid_from_ns: int) -> list[Market]:
    """The markets file of the up/down capture, of April 2026 and so of protocol "v1"."""
    return [_updown(path, line, valid_from_ns) for line in _decode_lines(path, _UpDownMarket)]


def _updown(path: Path, line: _UpDownMarket, valid_from_ns: int) -> Market:
    tokens = {outcome.outcome: outcome.token_id for outcome in line.outcomes}
    if tokens.keys() != {"Up", "Down"}:
        raise InputError(path, f"market {line.slug}: expected the outcomes Up and Down")
    fees = line.fee_parameters.raw_fee_config
    market = Market(
        market=market_id(line.condition_id),
        condition_id=line.condition_id,
        yes_token=tokens["Up"],
        no_token=tokens["Down"],
        slug=line.slug,
        question=line.title,
        category="crypto",
        group=0,
        tick_e4=scale_float(line.tick_size, 4),
        min_size_e6=scale_float(line.min_order_size, 6),
        fee_rate_e4=scale_float(fees.rate, 4),
        fee_exponent=fees.exponent,
        neg_risk=False,
        version="v1",
        end_ts_ns=line.end_ts * NS_PER_MS,
        valid_from_ns=valid_from_ns,
    )
    if wrong := problem(market):
        raise InputError(path, f"market {line.slug}: {wrong}")
    return market


def _decode_lines(path: Path, kind: type[T]) -> list[T]:
    """Raises InputError: with a definition missing, frames would be dropped without need."""
    if not path.is_file():
        raise InputError(path, "no such file; the definitions belong beside the frames")
    found: list[T] = []
    decoder: Any = msgspec.json.Decoder(kind)
    for number, line in enumerate(path.read_bytes().splitlines(), 1):
        try:
            found.append(decoder.decode(line))
        except msgspec.DecodeError as error:
            raise InputError(
                path, f"line {number} is no {kind.__name__.strip('_')} ({error}); nothing imported"
            ) from error
    if not found:
        raise InputError(path, f"no {kind.__name__.strip('_')} in it; nothing imported")
    return found
