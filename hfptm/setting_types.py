"""What a key of the configuration may hold: types whose description an error repeats."""

from decimal import Decimal
from typing import Annotated, Literal

from msgspec import Meta

MAX_USD = 10**9
"""More dollars than the exchange holds; keeps every sum of `_e6` far inside 64 bits."""

Usd = Annotated[
    Decimal,
    Meta(description="dollars above 0, at most 1000000000, with at most 6 decimals"),
]
Edge = Annotated[Decimal, Meta(description="0 or more, below 1, with at most 4 decimals")]
DailyReturn = Annotated[Decimal, Meta(description="0 or more, below 1, with at most 6 decimals")]
Fraction = Annotated[Decimal, Meta(description="0 to 1, with at most 4 decimals")]
Score = Annotated[Decimal, Meta(description="0 to 10, with at most 4 decimals")]
Minutes = Annotated[int, Meta(ge=0, le=1_440, description="a whole number, 0 to 1440")]
Shares = Annotated[Decimal, Meta(description="0 to 1000000 shares, with at most 6 decimals")]
Milliseconds = Annotated[int, Meta(ge=0, le=3_600_000, description="a whole number, 0 to 3600000")]
Rows = Annotated[int, Meta(ge=1, le=1 << 24, description="a whole number, 1 to 16777216")]
Count = Annotated[int, Meta(ge=1, le=20_000, description="a whole number, 1 to 20000")]
Dollars = Annotated[int, Meta(ge=0, le=MAX_USD, description="whole dollars, 0 to 1000000000")]
WindowSeconds = Annotated[int, Meta(ge=0, le=86_400, description="a whole number, 0 to 86400")]
Seconds = Annotated[int, Meta(ge=1, le=3_600, description="a whole number, 1 to 3600")]
Lines = Annotated[int, Meta(ge=1, le=4, description="a whole number, 1 to 4")]
Assets = Annotated[int, Meta(ge=2, le=500, description="a whole number, 2 to 500")]
PerSecond = Annotated[int, Meta(ge=1, le=1_000, description="a whole number, 1 to 1000")]
Plans = Annotated[int, Meta(ge=1, le=64, description="a whole number, 1 to 64")]
Canaries = Annotated[int, Meta(ge=0, le=1_000, description="a whole number, 0 to 1000")]
SecondsOrNever = Annotated[int, Meta(ge=0, le=86_400, description="a whole number, 0 to 86400")]
Patience = Annotated[int, Meta(ge=500, le=600_000, description="a whole number, 500 to 600000")]
Port = Annotated[int, Meta(ge=0, le=65_535, description="a whole number, 0 to 65535")]
Address = Annotated[
    str,
    Meta(
        pattern=r"^[0-9a-fA-F:.]+\Z",
        description="an IP address of this machine, such as 127.0.0.1, 0.0.0.0 or ::1",
    ),
]
FlushMilliseconds = Annotated[
    int, Meta(ge=10, le=60_000, description="a whole number, 10 to 60000")
]
Mebibytes = Annotated[int, Meta(ge=1, le=65_536, description="a whole number, 1 to 65536")]
FreeMebibytes = Annotated[int, Meta(ge=0, le=1 << 40, description="a whole number, 0 or more")]
Days = Annotated[int, Meta(ge=0, le=36_500, description="a whole number, 0 to 36500")]
Names = Annotated[
    str,
    Meta(pattern=r"^[^'\"\\\n]*\Z", description="names between commas, without quotes"),
]
File = Annotated[
    str,
    Meta(pattern=r"^[^'\"\\\n]*\Z", description="a file's path, without quotes"),
]
Seed = Annotated[int, Meta(ge=0, le=1 << 32, description="a whole number, 0 to 4294967296")]
_HOST = r"(\[[0-9a-fA-F:]+\]|[A-Za-z0-9.-]+)(:[0-9]{1,5})?"
_PATH = r"(/[A-Za-z0-9._~%-]+)*"
HttpAddress = Annotated[
    str,
    Meta(
        pattern=rf"^https?://{_HOST}{_PATH}\Z",
        description="an address that begins with http:// or https://, without a slash at its end",
    ),
]
NodeAddress = Annotated[
    str,
    Meta(
        pattern=rf"^(https?://{_HOST}{_PATH})?\Z",
        description="an address that begins with http:// or https://, without a slash at its end, "
        "or nothing",
    ),
]
WsAddress = Annotated[
    str,
    Meta(
        pattern=rf"^wss?://{_HOST}{_PATH}\Z",
        description="an address that begins with ws:// or wss://, without a slash at its end",
    ),
]
CopyAddress = Annotated[
    str,
    Meta(
        pattern=r"^([a-z][a-z0-9]*://[^\s'\"\\@?#]*[^\s'\"\\@?#/])?\Z",
        description="an address such as s3://bucket/folder, without credentials, or nothing",
    ),
]
GradeName = Annotated[
    Literal["A", "B", "C", "D", "E", "F"],
    Meta(description="A, B, C, D, E, F"),
]
OrderTypeName = Annotated[
    Literal["fak", "fok", "gtc", "resting"],
    Meta(description="fak, fok, gtc, resting"),
]
LogFormatName = Annotated[
    Literal["auto", "json", "pretty"],
    Meta(description="auto, json, pretty"),
]
LogLevelName = Annotated[
    Literal["debug", "info", "warning", "error"],
    Meta(description="debug, info, warning, error"),
]
ModeName = Annotated[Literal["paper", "live"], Meta(description="paper, live")]
QueueModelName = Annotated[
    Literal["risk_averse", "probabilistic"],
    Meta(description="risk_averse, probabilistic"),
]
SetsName = Annotated[
    Literal["convert", "merge", "hold"],
    Meta(description="convert, merge, hold"),
]
LegOrderName = Annotated[
    Literal["at_once", "thinnest_first"],
    Meta(description="at_once, thinnest_first"),
]
LegTimeout = Annotated[int, Meta(ge=1, le=60_000, description="a whole number, 1 to 60000")]
Hours = Annotated[int, Meta(ge=1, le=87_600, description="a whole number, 1 to 87600")]
FeeModelName = Annotated[
    Literal["published", "none", "seed_flat_2pct"],
    Meta(description="published, none, seed_flat_2pct"),
]
