"""What a normaliser knows between two raw rows, but for the markets' definitions."""

import msgspec

from hfptm.lake import Gap
from hfptm.normaliser.gaps import Loose
from hfptm.normaliser.streams import Streams
from hfptm.venue.batch import ListingState


class Connection(msgspec.Struct):
    line: int
    seen_ns: int
    """Receive time of its last row."""
    markets: dict[int, None] = {}
    """Those it delivered something of, in order."""


class Saved(msgspec.Struct, kw_only=True):
    connections: dict[int, Connection]
    markets: dict[int, Streams]
    unseen: dict[int, Gap]
    loose: dict[int, Loose]
    listings: dict[str, ListingState]
