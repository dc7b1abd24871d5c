"""What every column of the catalog holds, said once.

The columns of stored rows are described where their dtype is: by the comment behind a field, the
docstring below one, or the metadata of a sweep's schema. Here stand the rest: columns that a view
adds, and fields that nothing is said of there.
"""

import ast
import inspect
import re
import textwrap
from collections.abc import Mapping
from types import ModuleType

import pyarrow as pa

from hfptm import lake, opportunities, records
from hfptm.catalog.macros import NAMED, function_of
from hfptm.registry import Group, Market
from hfptm.sweep_files import DAYS, EVENTS, OPPORTUNITIES, about

_FIELD = re.compile(r'\s*(?:pa\.field)?\("(?P<name>\w+)", .*?#\s(?P<comment>.*)')

SHARED = {
    "run_id": "the run's, the name of its folder; sorts by time",
    "sweep_id": "the sweep's, the name of its folder; sorts by time",
    "date": "UTC day; a filter on it opens that day's files only",
    "hour": "UTC hour, 0 to 23; with `date`, a filter opens that hour's files only",
    "hour_ns": "start of the UTC hour; a filter on it opens the files of these hours only",
}
"""Columns that mean the same in every view."""

_SUMMED = {
    "plans": "baskets that were sent",
    "completed": "of them filled whole",
    "partial": "of them filled in part",
    "missed": "of them not filled at all",
    "fills": "fills of orders",
    "rejects": "orders that the exchange refused",
    "fees_usd": "taker fees paid, dollars",
    "pnl_usd": "profit that was paid out, dollars",
    "locked_usd": "cost of complete sets held until they resolve, dollars",
    "locked_profit_usd": "what these pay beyond their cost, dollars",
    "residue_cost_usd": "cost of shares held without partners at the end, dollars",
    "residue_bid_usd": "what these bring at the last best bids, dollars",
}

_MARKET = {
    "market": "id in the lake: the first 63 bits of its condition id",
    "condition_id": "the exchange's id of the market",
    "yes_token": "the exchange's id of the YES token; empty if the recording did not say",
    "slug": "the market's name in addresses",
    "question": "the market's title",
    "category": "as the exchange names it; empty: unknown",
    "tick_e4": "price step, 1/10,000 dollar",
    "min_size_e6": "least order, 1/1,000,000 share",
    "fee_exponent": "of p(1-p) in the taker fee",
    "neg_risk": "whether it belongs to a neg-risk event",
    "valid_from_ns": "from when on this version holds, UTC",
    "group_slug": "the event's name in addresses; null without an event",
    "relation": "opportunities.Relation of the event's markets; null without an event",
    "event": "id of its event, or its own if it belongs to none",
    "event_slug": "name of its event, or its own if it belongs to none",
}

_VERIFIED = {
    "origin": "recorded by hfptm, or imported",
    "grade": "A to F: the worst that unseen time, mismatches and bad hashes allow",
    "markets": "how many were listed in it",
    "rows": "events of the hour",
    "frames": "frames that they were derived from",
    "trades": "prints",
    "snapshots": "full books",
    "batches_checked": "changes whose reported best prices were compared with the book",
    "mismatches": "of them: they disagreed",
    "healed": "of these: another line brought the missing rows late",
    "hashes_ok": "book hashes that agree",
    "hashes_bad": "book hashes that prove something missing",
    "listed_s": "time in which markets were listed, all added up",
    "unseen_s": "of it, time in which they were not seen",
    "gaps": "stretches in which a market was not seen",
    "raw_frames": "frames received on all lines",
    "copies": "of them: had come on another line before",
    "late": "of them: only another line had brought them in time",
    "lead_p50_ns": "median of how much earlier a frame came on the line that was first",
    "lead_p99_ns": "99 % of how much earlier a frame came on the line that was first",
    "least_lag_ns": "least of receive time minus exchange time",
    "drift_ppm": "how fast that least changes over the hour, parts in a million",
    "by_market": "of each market: slug, grade and findings",
}

_LANE = "0: a run has one parameter set"

OWN: Mapping[str, Mapping[str, str]] = {
    "events": {
        "size_e6": "new absolute size of a level (0: gone), or size of a trade, 1/1,000,000 share",
        "price_e4": "YES price, 1/10,000 dollar; of other kinds than levels and trades see `kind`",
    },
    "gaps": {
        "from_ns": "from when on the market was not seen, UTC",
        "market": "id of the market",
    },
    "markets": _MARKET,
    "market_versions": _MARKET,
    "runs": {
        "mode": "replay, paper or live",
        "after": "the run that it went on from; empty: none",
        "first_ns": "receive time of its first row",
        "last_ns": "receive time of its last row",
        "markets": "how many were listed",
        "rows": "events it was given",
        "seconds": "how long it took, or lasted",
        "covered": "share of the time in which its markets were listed that they were seen",
        "grade": "worst grade of the recorded hours it read; empty: none was verified",
        "displayed": "opportunities that were profitable after fees by the minimum edge",
        "arrived": "of them still so when their orders would have reached the exchange",
        **_SUMMED,
        "latch": "why nothing was bought any more at its end; empty: it was not stopped",
        "digest": "the same for the same rows and configuration",
        "code": "version of hfptm, and the commit where it is known",
        "summary": "all of its summary.json",
    },
    "decisions": {
        "ts_ns": "when it was decided, UTC",
        "legs": "orders of a whole basket",
        "place": "number of the row in the run: rows of one time keep their order",
        "lane": _LANE,
    },
    "intents": {
        "plan": "id of the plan it belongs to",
        "lane": _LANE,
        "leg": "which leg of the plan, from 0",
    },
    "outcomes": {
        "decision": "id of the opportunity, as in decisions",
        "market": "market, or group for baskets",
        "lane": _LANE,
    },
    "reports": {
        "size_e6": "shares filled or left, by kind, 1/1,000,000 share",
        "price_e4": "price in the order's own token, or a reason, by kind",
    },
    "opportunities": {
        "decision": "id, the same in decisions and outcomes of the run",
        "lane": _LANE,
        "kind": "opportunities.OpportunityKind",
        "market": "market, or event of a basket, by its id in the lake",
        "event": "id of the event, or the market's if it has none",
        "category": "of the event, as the exchange names it; empty: unknown",
        "begin_ns": "receive time of its first sight",
        "displayed_ns": "receive time at which it was first displayed; 0: never",
        "end_ns": "receive time of its end; 0: still open at the end of the run",
        "life_ns": "from `displayed_ns` to `end_ns`; null unless it was displayed and ended",
        "displayed": "whether it was profitable after fees by the minimum edge at any time",
        "displayed_size_e6": "sets at a profit, when first displayed",
        "displayed_e6": "profit after fees at the displayed depth, when first displayed",
        "displayed_outlay_e6": "what these sets cost, fees included",
        "arrived": "1: still so when its orders would have reached the exchange",
        "printed": "1: a trade corroborates a leg",
        "unseen": "1: the book at arrival was not recorded",
        "arrived_e6": "profit after fees of what was there at arrival, a lower bound",
        "reason": "opportunities.Reason: taken, or the last answer while it was displayed",
        "plan": "id of the plan that took it; 0: none",
        "artefact": "opportunities.Artefact it was last classed as; 0: on a book to be trusted",
        "confirmed": "distrusted until its batch bore it out; another one goes on from there",
    },
    "events_named": {
        "received": "when we had it, UTC",
        "slug": "the market's name in addresses",
        "event_slug": "name of its event, or its own if it belongs to none",
        "what": "kind of row: level, trade, snapshot, …",
        "side": "bid or ask; of a trade the taker's: bid buys, ask sells",
        "price_usd": "YES price, dollars",
        "size_shares": "new absolute size of a level, or size of a trade",
        "lag_ns": "receive time minus exchange time",
        "market": "id of the market",
    },
    "opportunities_named": {
        "decision": "id, the same in opportunities, decisions and outcomes",
        "begins": "when it was first seen, UTC",
        "life_ms": "from when it was displayed to its end; null unless it was and ended",
        "what": "kind of opportunity: binary, no_basket, yes_basket, nested",
        "slug": "name of the market, or of a basket's event",
        "category": "of the event, as the exchange names it; empty: unknown",
        "displayed": "whether it was profitable after fees by the minimum edge at any time",
        "displayed_shares": "sets at a profit, when first displayed",
        "displayed_usd": "profit after fees at the displayed depth, when first displayed, dollars",
        "arrived": "whether it still was when its orders would have reached the exchange",
        "printed": "whether a trade corroborates a leg",
        "unseen": "whether the book at arrival was not recorded",
        "arrived_usd": "profit after fees of what was there at arrival, at least; dollars",
        "reason": "taken, or the last answer while it was displayed",
        "artefact": "none, or why its edge is not to be believed",
        "plan": "id of the plan that took it; 0: none",
    },
    "certificates": _VERIFIED,
    "sweeps": {
        "kind": "grid, list, random, tune or capture",
        "keys": "settings that were swept",
        "sets": "how many parameter sets",
        "days": "UTC days with rows",
        "first_ns": "receive time of the first row, to the millisecond",
        "last_ns": "receive time of the last row, to the millisecond",
        "engine": "local or ray",
        "code": "version of what computed it: package, and a hash of the sources",
        "lake": "hash of the recording that it was computed from",
        "seconds": "how long it took",
        "summary": "all of its summary.json: what was concluded",
    },
    "sweep_sets": {"set": "number of the parameter set, from 0"},
}
"""By view and column."""


def described(view: str) -> dict[str, str]:
    """What each column of a view holds; a code also says which function names it."""
    texts = {**SHARED, **at_source(view), **OWN.get(view, {})}
    return {name: _with_function(name, about) for name, about in texts.items()}


def setting(column: str) -> str:
    """What a column of `sweep_sets` holds that is called after a setting."""
    return f"the setting {column}; null in sweeps that left it as it was"


def _with_function(column: str, about: str) -> str:
    for kind in NAMED:
        if re.match(rf"((records|opportunities)\.)?{kind.__name__}\b", about):
            return f"{about}; in words: {function_of(kind)}({column})"
    return about


def at_source(view: str) -> dict[str, str]:
    """What is said of a view's columns where their dtype is."""
    match view:
        case "events" | "reports":
            return comments(records, "EVENT")
        case "intents":
            return comments(records, "INTENT")
        case "decisions":
            return comments(opportunities, "DECISION")
        case "outcomes":
            return comments(opportunities, "OUTCOME")
        case "gaps":
            return comments(lake, "SCHEMAS")
        case "markets" | "market_versions":
            return {**below_fields(Group), **below_fields(Market)}
    return _sweep_columns(view)


def _sweep_columns(view: str) -> dict[str, str]:
    schemas = {"sweep_days": DAYS, "sweep_events": EVENTS, "sweep_opportunities": OPPORTUNITIES}
    return {field.name: about(field) for field in schemas.get(view, pa.schema([]))}


def comments(module: ModuleType, name: str) -> dict[str, str]:
    """By field, the comment behind it in the module's assignment to `name`."""
    source = inspect.getsource(module)
    for node in ast.parse(source).body:
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        if name in [getattr(target, "id", None) for target in targets]:
            lines = source.splitlines()[node.lineno - 1 : node.end_lineno]
            return {found["name"]: found["comment"] for found in map(_FIELD.match, lines) if found}
    raise LookupError(f"{module.__name__} has no {name}")


def below_fields(kind: type) -> dict[str, str]:
    """By field, the first paragraph of the docstring below it in a class."""
    (made,) = ast.parse(textwrap.dedent(inspect.getsource(kind))).body
    assert isinstance(made, ast.ClassDef)
    found = {}
    for field, text in zip(made.body, made.body[1:], strict=False):
        if isinstance(field, ast.AnnAssign) and isinstance(text, ast.Expr):
            documentation = ast.literal_eval(text.value)
            found[ast.unparse(field.target)] = inspect.cleandoc(documentation).replace("\n", " ")
    return found
