"""What came through a feed, and what was wrong with it."""

import msgspec

_NO_TROUBLE = ("frames", "rows", "new_markets")


class Counters(msgspec.Struct):
    """What came through a feed since it was made."""

    frames: int = 0
    rows: int = 0
    new_markets: int = 0
    """Announcements from all over the exchange, each as often as it came."""
    bad_json: int = 0
    unknown_type: int = 0
    bad_message: int = 0
    """Known type, or no object at all, of an unreadable shape."""
    unknown_token: int = 0
    bad_timestamp: int = 0
    bad_price: int = 0
    """Of a level or a trade: no number, more than four decimals, or not between 0 and 1."""
    off_grid_price: int = 0
    bad_size: int = 0
    """No number, negative, more than six decimals, above a billion shares, or an empty trade."""
    bad_side: int = 0
    bad_best: int = 0
    bad_tick: int = 0
    duplicate_level: int = 0
    """A price twice on one side of one book."""
    mirror_break: int = 0

    @property
    def troubles(self) -> dict[str, int]:
        """By name, those that there were."""
        counts = msgspec.structs.asdict(self)
        return {name: n for name, n in counts.items() if n and name not in _NO_TROUBLE}
