"""A transaction of our own account, and what the chain may make of it."""

from enum import Enum

import msgspec


class Sent(msgspec.Struct, frozen=True, kw_only=True):
    """A transaction as it was signed. Nothing of it is secret."""

    hash: str
    nonce: int
    raw: str
    """In hex after 0x; to send the same bytes again is to send the same transaction."""


class Fate(Enum):
    """What the chain has made of a transaction."""

    DONE = 1
    REVERTED = 2
    """Mined without doing what it was for."""
    REPLACED = 3
    """Never mined, and never will be: another took its nonce."""
    OPEN = 4
    """Nobody can say: it waits, or never arrived."""


class ChainError(Exception):
    """A node or the exchange did not answer, or refused."""
