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

OF_EVENTS = (
    f"""
    CREATE MACRO events_between(begins, ends) AS TABLE SELECT * FROM events
    WHERE hour_ns > epoch_ns(begins::TIMESTAMP_NS) - {HOUR_NS}
        AND hour_ns < epoch_ns(ends::TIMESTAMP_NS)
        AND ts_recv_ns >= epoch_ns(begins::TIMESTAMP_NS)
        AND ts_recv_ns < epoch_ns(ends::TIMESTAMP_NS)""",
    f"""
    CREATE MACRO book_at(market_slug, moment) AS TABLE
    WITH of_market AS (
        SELECT * FROM events
        WHERE market IN (SELECT market FROM markets WHERE slug = market_slug)
            AND hour_ns <= epoch_ns(moment::TIMESTAMP_NS)
            AND hour_ns > epoch_ns(moment::TIMESTAMP_NS) - {24 * HOUR_NS}
            AND ts_recv_ns <= epoch_ns(moment::TIMESTAMP_NS)
    ),
    begun AS (
        SELECT max(ts_recv_ns) AS begin_ns, arg_max(kind, ts_recv_ns) AS kind FROM of_market
        WHERE kind IN ({EventKind.SNAPSHOT}, {EventKind.TICK}, {EventKind.GAP})
    )
    SELECT side, price_e4, arg_max(size_e6, ts_recv_ns) AS size_e6 FROM of_market
    WHERE kind = {EventKind.LEVEL} AND ts_recv_ns >= (
        SELECT begin_ns FROM begun WHERE kind = {EventKind.SNAPSHOT}
    )
    GROUP BY side, price_e4 HAVING arg_max(size_e6, ts_recv_ns) > 0
    ORDER BY side, price_e4""",
)
"""Made after the views; they open the files of these hours only, and of the day before a book."""

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
