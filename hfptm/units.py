"""The only owner of scales: price in 1/10,000 (`_e4`), size and cash in 1/1,000,000 (`_e6`), ns.

A price is a share of one dollar, so `price_e4 * size_e6 // PRICE_ONE_E4` is the cash in `_e6`. It
is exact whenever the size is a multiple of 0.01 share; every other division names its rounding.
"""

import re
from decimal import ROUND_HALF_EVEN, Decimal

PRICE_ONE_E4 = 10_000
"""The payout of a winning share, 1.0000 dollar."""

ONE_E6 = 1_000_000
"""One share, or one dollar."""

NO_BID_E4 = 0
"""Best bid of an empty bid side, as the exchange prints it; a real price is never 0."""

NO_ASK_E4 = PRICE_ONE_E4
"""Best ask of an empty ask side, as the exchange prints it; a real price is never 1."""

TICKS_E4 = (1_000, 100, 50, 25, 10, 1)
"""Every tick the exchange has used (reference, section 3.4)."""

SIZE_MAX_E6 = 1_000_000_000 * ONE_E6
"""A level above a billion shares is a broken message: every pUSD in existence buys less."""

NS_PER_MS = 1_000_000
NS_PER_S = 1_000_000_000
WEI_PER_GWEI = 1_000_000_000
BYTES_PER_MIB = 1 << 20

FAR_NS = 1 << 62
"""Later than any time."""

_DECIMAL = re.compile(r"([0-9]{0,19})(?:\.([0-9]{0,19}))?")


def parse_decimal(text: str, digits: int) -> int:
    """Scale a plain decimal string ("0.5", ".48", "12", "500.0") by 10**digits, exactly.

    Raises ValueError for anything else: a sign, an exponent, blanks, an empty string, or a digit
    other than 0 beyond `digits`.
    """
    match = _DECIMAL.fullmatch(text)
    if match is None or not (match[1] or match[2]):
        raise ValueError(f"not a plain decimal number: {text!r}")
    fraction = match[2] or ""
    if fraction[digits:].strip("0"):
        raise ValueError(f"more than {digits} decimals: {text!r}")
    return int((match[1] or "0") + fraction[:digits].ljust(digits, "0"))


def parse_price_e4(text: str) -> int:
    """A price or best price as the exchange prints it; ValueError if malformed or above 1."""
    price_e4 = parse_decimal(text, 4)
    if price_e4 > PRICE_ONE_E4:
        raise ValueError(f"price above 1: {text!r}")
    return price_e4


def parse_size_e6(text: str) -> int:
    """A level's or a trade's size in shares; ValueError if malformed or above `SIZE_MAX_E6`."""
    size_e6 = parse_decimal(text, 6)
    if size_e6 > SIZE_MAX_E6:
        raise ValueError(f"size above a billion shares: {text!r}")
    return size_e6


def scale_float(value: float, digits: int) -> int:
    """Scale a float of a source that kept only floats, through its shortest decimal, half to even.

    Takes numpy's float64 too. Raises ValueError for a NaN or an infinity.
    """
    exact = Decimal(repr(float(value)))  # numpy's own repr names its type
    if not exact.is_finite():
        raise ValueError(f"not a finite number: {value!r}")
    return int(exact.scaleb(digits).to_integral_value(rounding=ROUND_HALF_EVEN))


def format_e4(value_e4: int) -> str:
    """Exact decimal text without trailing zeros, as the exchange prints prices: 5000 -> "0.5"."""
    return format_scaled(value_e4, 4)


def format_e6(value_e6: int) -> str:
    """Exact decimal text without trailing zeros, as sizes are printed: 20500000 -> "20.5"."""
    return format_scaled(value_e6, 6)


def format_scaled(value: int, digits: int) -> str:
    """Exact decimal text of `value` / 10**digits, without trailing zeros."""
    sign = "-" if value < 0 else ""
    whole, fraction = divmod(abs(value), 10**digits)
    text = f"{fraction:0{digits}d}".rstrip("0")
    return f"{sign}{whole}.{text}" if text else f"{sign}{whole}"


def pack_best(best_bid_e4: int, best_ask_e4: int) -> int:
    """Both best prices in one `aux` value: bid in the high 32 bits, ask in the low 32."""
    return (best_bid_e4 << 32) | best_ask_e4


def unpack_best(aux: int) -> tuple[int, int]:
    """Best bid and best ask of `pack_best`."""
    return aux >> 32, aux & 0xFFFF_FFFF
