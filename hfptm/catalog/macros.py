"""Functions of the catalog: names of codes, units for people, and hours by their time."""

import re
from enum import IntEnum

from hfptm.catalog.relations import text
from hfptm.opportunities import Artefact, OpportunityKind, Phase, Reason, Relation
from hfptm.parquet import HOUR_NS
from hfptm.records import (
    EventKind,
    GapReason,
    IntentKind,
    MarketState,
    OrderType,
    RejectReason,
    Side,
    Token,
)

NAMED: tuple[type[IntEnum], ...] = (
    *(EventKind, Side, Token, MarketState, GapReason, IntentKind, OrderType, RejectReason),
    *(OpportunityKind, Phase, Reason, Artefact, Relation),
)
"""Each has a function `<its name>_name(code)`, such as `event_kind_name(kind)`."""

BETWEEN = f"""
    CREATE MACRO events_between(begins, ends) AS TABLE SELECT * FROM events
    WHERE hour_ns > epoch_ns(begins::TIMESTAMP_NS) - {HOUR_NS}
        AND hour_ns < epoch_ns(ends::TIMESTAMP_NS)
        AND ts_recv_ns >= epoch_ns(begins::TIMESTAMP_NS)
        AND ts_recv_ns < epoch_ns(ends::TIMESTAMP_NS)"""
"""Made after the view; opens the files of these hours only."""

UNITS = (
    "CREATE MACRO utc(ts_ns) AS make_timestamp_ns(CAST(ts_ns AS BIGINT))",
    "CREATE MACRO usd(cash_e6) AS CAST(cash_e6 AS DECIMAL(24, 0)) * 0.000001",
    "CREATE MACRO shares(size_e6) AS CAST(size_e6 AS DECIMAL(24, 0)) * 0.000001",
    "CREATE MACRO price(price_e4) AS CAST(price_e4 AS DECIMAL(9, 0)) * 0.0001",
    "CREATE MACRO best_bid_e4(aux) AS CAST(aux >> 32 AS INTEGER)",
    "CREATE MACRO best_ask_e4(aux) AS CAST(aux & 4294967295 AS INTEGER)",
)


def names() -> list[str]:
    return [_named(kind) for kind in NAMED]


def function_of(kind: type[IntEnum]) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", kind.__name__).lower() + "_name"


def _named(kind: type[IntEnum]) -> str:
    cases = " ".join(f"WHEN {each.value} THEN {text(each.name.lower())}" for each in kind)
    return f"CREATE MACRO {function_of(kind)}(code) AS CASE code {cases} END"
