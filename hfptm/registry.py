"""Markets and groups: what the exchange says about them, apart from their books."""

import hashlib
import re

import msgspec
import numpy as np
import numpy.typing as npt

from hfptm.opportunities import Relation
from hfptm.records import TakerDelay
from hfptm.units import PRICE_ONE_E4, TICKS_E4

_HEX = re.compile("[0-9a-fA-F]+")


class Market(msgspec.Struct, frozen=True, kw_only=True):
    """One market, its two tokens and its rules, as valid from `valid_from_ns`."""

    market: int
    condition_id: str
    yes_token: str
    no_token: str
    """Both empty if the recording did not say."""
    slug: str
    question: str
    category: str
    group: int
    """Id of its `Group`, 0 if it belongs to none."""
    tick_e4: int
    min_size_e6: int
    fee_rate_e4: int
    """Taker fee = shares x rate x (p(1-p))^exponent (reference, section 5)."""
    fee_exponent: int
    neg_risk: bool
    version: str
    """Protocol version of its token ids, "v1" or "v2"."""
    end_ts_ns: int
    """Scheduled end, 0 if unknown."""
    valid_from_ns: int
    game_delay_ms: int = 0
    """How long a marketable order waits once its game is on (reference, section 3.6)."""
    game_start_ns: int = 0
    """0 if unknown: then the game counts as on at all times."""
    taker_delay: TakerDelay = TakerDelay.UNKNOWN
    """Whether marketable orders wait at all times (reference, section 3.6)."""


GAME_DELAY_MAX_MS = 3_600_000


class Group(msgspec.Struct, frozen=True, kw_only=True):
    """Markets whose outcomes exclude or imply each other."""

    group: int
    slug: str
    relation: Relation
    members: int
    """How many markets belong to it, dead ones not counted; a YES basket needs every one."""
    convertible: bool
    """NO sets turn into collateral at once (neg-risk conversion) instead of at resolution."""


def problem(market: Market) -> str | None:
    """What is impossible about a market from outside, or None."""
    if market.market != market_id(market.condition_id):
        return f"market {market.market} is not the id of condition_id {market.condition_id}"
    if market.tick_e4 not in TICKS_E4:
        return f"tick_e4 {market.tick_e4} is none of {TICKS_E4}"
    if not 0 <= market.fee_rate_e4 <= PRICE_ONE_E4 or market.fee_exponent < 1:
        return f"fee rate {market.fee_rate_e4} x exponent {market.fee_exponent} is no fee schedule"
    if market.min_size_e6 < 0 or market.valid_from_ns < 0 or market.end_ts_ns < 0:
        return "min_size_e6, valid_from_ns and end_ts_ns must not be negative"
    if not 0 <= market.game_delay_ms <= GAME_DELAY_MAX_MS or market.game_start_ns < 0:
        return f"game delay {market.game_delay_ms} ms from {market.game_start_ns} ns is no delay"
    if market.yes_token == market.no_token != "":
        return f"both tokens are {market.yes_token}"
    return None


def finest_tick_e4(prices_e4: npt.NDArray[np.int64]) -> int:
    """The coarsest tick, 0.01 at most, on whose grid all the prices lie.

    For recordings that do not state it: 0.01 is what the exchange gives a market that needs no
    finer one.
    """
    ticks = (tick for tick in TICKS_E4 if tick <= 100)
    return next(tick for tick in ticks if not np.any(prices_e4 % tick))


def market_id(condition_id: str) -> int:
    """The lake's id of a market: the first 63 bits of its condition id.

    Recordings of several machines merge without coordination. Anything that is no 0x-hex condition
    id (other exchanges, old data sets) is hashed.
    """
    digits = condition_id.removeprefix("0x")
    if len(digits) in (62, 64) and _HEX.fullmatch(digits):
        return int(digits[:16], 16) >> 1
    return int.from_bytes(hashlib.sha256(condition_id.encode()).digest()[:8], "big") >> 1


def group_id(key: str) -> int:
    """The lake's id of a group, from its neg-risk market id or its event's slug."""
    return market_id(key)
