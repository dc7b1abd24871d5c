"""Markets and groups: what the exchange says about them, apart from their books."""

import hashlib

import msgspec

from hfptm.records import Relation


class Market(msgspec.Struct, frozen=True, kw_only=True):
    """One market, its two tokens and its rules, as valid from `valid_from_ns`."""

    market: int
    condition_id: str
    yes_token: str
    no_token: str
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


class Group(msgspec.Struct, frozen=True, kw_only=True):
    """Markets whose outcomes exclude or imply each other."""

    group: int
    slug: str
    relation: Relation
    members: int
    """How many markets belong to it, dead ones not counted; a YES basket needs every one."""
    convertible: bool
    """NO sets turn into collateral at once (neg-risk conversion) instead of at resolution."""


def market_id(condition_id: str) -> int:
    """The lake's id of a market: the first 63 bits of its condition id.

    Recordings of several machines merge without coordination. Anything that is no 0x-hex condition id (other
    exchanges, old data sets) is hashed.
    """
    digits = condition_id.removeprefix("0x")
    if len(digits) in (62, 64) and all(c in "0123456789abcdef" for c in digits.lower()):
        return int(digits[:16], 16) >> 1
    return int.from_bytes(hashlib.sha256(condition_id.encode()).digest()[:8], "big") >> 1


def group_id(key: str) -> int:
    """The lake's id of a group, from its neg-risk market id or its event's slug."""
    return market_id(key)
