"""What makes a sandbox always have something to trade, and settings by which all of it is seen."""

EVERYTHING = (
    "discovery.min_volume_24h_usd=0",
    "discovery.min_liquidity_usd=0",
    "discovery.refresh_interval_s=2",
    "discovery.short_window_ahead_s=60",
)
AT_ONCE = ("sim.entry_latency_ms=20", "sim.taker_delay_ms=0")


def plant(per_minute: int) -> str:
    """A plant file."""
    return f"""
[random]
kinds = ["BINARY", "NO_BASKET", "YES_BASKET"]
per_minute = {per_minute}
life_ms = [1500, 3000]
edge_usd = [0.08, 0.09]
shares = [200, 300]
"""


def options(*settings: str) -> tuple[str, ...]:
    """As words of a command."""
    return tuple(word for setting in settings for word in ("--set", setting))
