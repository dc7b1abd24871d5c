"""The views, by name: what is stored, and what every analyst would derive from it again."""

from typing import NamedTuple

from hfptm.catalog.files import Files
from hfptm.catalog.relations import (
    FOLDER,
    by_folder,
    documents,
    empty,
    hourly,
    listed,
    quoted,
    text,
    versioned,
)
from hfptm.journal import DTYPES, RowKind
from hfptm.lake import MARKETS_SCHEMA, SCHEMAS, Kind
from hfptm.opportunities import Phase, Reason
from hfptm.parquet import arrow_schema
from hfptm.sweep_files import DAYS, EVENTS, OPPORTUNITIES


class View(NamedTuple):
    name: str
    about: str
    sql: str


def views(files: Files) -> list[View]:
    """In an order in which each needs only earlier ones."""
    return [*_recorded(files), *_of_runs(files), *_of_sweeps(files)]


def _recorded(files: Files) -> list[View]:
    versions = versioned(MARKETS_SCHEMA, files.found("lake/markets/*.parquet"))
    return [
        View(
            "events",
            "the tape: a row each level change, trade and state, as replay reads it",
            hourly(SCHEMAS[Kind.EVENTS], files.hourly(Kind.EVENTS)),
        ),
        View(
            "gaps",
            "when a market was not seen",
            hourly(SCHEMAS[Kind.GAPS], files.hourly(Kind.GAPS)),
        ),
        View(
            "market_versions",
            "what was said of each market, as valid from a time",
            f"""
            SELECT *, CASE WHEN "group" = 0 THEN market ELSE "group" END AS event,
                coalesce(group_slug, slug) AS event_slug
            FROM ({versions})""",
        ),
        View(
            "markets",
            "each market as it was last described",
            """
            SELECT * FROM market_versions
            QUALIFY row_number() OVER (PARTITION BY market ORDER BY valid_from_ns DESC) = 1""",
        ),
        View("events_named", "the tape in words and dollars", _EVENTS_NAMED),
        View("certificates", "what `hfptm verify` found of each hour", _certificates(files)),
    ]


_EVENTS_NAMED = """
    SELECT utc(ts_recv_ns) AS received, slug, event_slug, event_kind_name(kind) AS what,
        side_name(side) AS side, price(price_e4) AS price_usd, shares(size_e6) AS size_shares,
        ts_recv_ns - ts_venue_ns AS lag_ns, market, date, hour, hour_ns
    FROM events LEFT JOIN (SELECT market, slug, event_slug FROM markets) USING (market)"""


def _certificates(files: Files) -> str:
    """A certificate's name is its hour and origin."""
    said = documents("date", files.found("lake/certificates/date=*/hour=*.json"))
    counted = ("rows", "frames", "trades", "snapshots", "batches_checked", "mismatches", "healed")
    proved = ("hashes_ok", "hashes_bad")
    return f"""
        SELECT {_said("hour_ns BIGINT hour_ns", "origin VARCHAR origin", "grade VARCHAR grade")},
            json_array_length(content->'$.markets') AS markets,
            {_said(*(f"{name} BIGINT total.{name}" for name in (*counted, *proved)))},
            {
        _said(
            "listed_s DOUBLE total.listed_s",
            "unseen_s DOUBLE total.unseen_s",
            "gaps BIGINT total.gaps",
            "raw_frames BIGINT lines.raw_frames",
            "copies BIGINT lines.copies",
            "late BIGINT lines.late",
            "lead_p50_ns BIGINT lines.lead_p50_ns",
            "lead_p99_ns BIGINT lines.lead_p99_ns",
            "least_lag_ns BIGINT clock.least_lag_ns",
            "drift_ppm DOUBLE clock.drift_ppm",
        )
    },
            content->'$.markets' AS by_market
        FROM ({said})"""


def _of_runs(files: Files) -> list[View]:
    folders = [name.rpartition("/")[0] for name in files.found("runs/*/summary.json")]
    closed = [folder for folder in folders if not folder.endswith(".partial")]

    def rows(kind: RowKind) -> str:
        named = [f"{folder}/{kind}.parquet" for folder in closed]
        rank = "place" if kind == "decisions" else ""
        return by_folder("run_id", arrow_schema(DTYPES[kind]), named, rank)

    said = documents("run_id", [f"{folder}/summary.json" for folder in closed])
    code = documents("run_id", [f"{folder}/version.json" for folder in closed])
    return [
        View("runs", "every closed run, in a row", _runs(said, code)),
        View("decisions", "what a run decided on each opportunity, and when", rows("decisions")),
        View("outcomes", "what had become of an opportunity at arrival", rows("outcomes")),
        View("intents", "what a run sent, or asked the simulated venue", rows("intents")),
        View("reports", "what the venue answered, as rows of events", rows("reports")),
        View("opportunities", "each opportunity that a run saw, in a row", _EPISODES),
        View("opportunities_named", "these in words and dollars", _EPISODES_NAMED),
    ]


def _said(*fields: str) -> str:
    """Columns out of `content`: each "name TYPE path", the path below the summary."""
    parts = [field.split(" ", 2) for field in fields]
    return ",\n".join(
        f"CAST(content->>{text(f'$.{path}')} AS {kind}) AS {quoted(name)}"
        for name, kind, path in parts
    )


def _of_all_kinds(count: str) -> str:
    path = text(f"$.opportunities.*.{count}")
    return f"list_sum(CAST(json_extract(content, {path}) AS BIGINT[]))"


def _runs(said: str, code: str) -> str:
    counted = ("plans", "completed", "partial", "missed", "fills", "rejects")
    money = ("fees", "pnl", "locked", "locked_profit", "residue_cost", "residue_bid")
    displayed, arrived = map(_of_all_kinds, ("displayed", "arrived"))
    return f"""
        SELECT run_id, coalesce(content->>'$.mode', 'replay') AS mode,
            coalesce(content->>'$.after', '') AS after,
            {
        _said(
            "first_ns BIGINT coverage.first_ns",
            "last_ns BIGINT coverage.last_ns",
            "markets BIGINT coverage.markets",
            "rows BIGINT events",
            "seconds DOUBLE seconds",
            "covered DOUBLE coverage.covered",
            "grade VARCHAR recorded.grade",
        )
    },
            {displayed} AS displayed, {arrived} AS arrived,
            {_said(*(f"{name} BIGINT {name}" for name in counted))},
            {_said(*(f"{name}_usd DOUBLE {name}_usd" for name in money))},
            coalesce(content->>'$.risk.latch', '') AS latch,
            {_said("digest VARCHAR digest")}, code.code, content AS summary
        FROM ({said}) LEFT JOIN (
            SELECT run_id, concat_ws(' ', content->>'$.package', content->>'$.commit') AS code
            FROM ({code})
        ) AS code USING (run_id)"""


_EPISODES = f"""
    WITH told AS (
        SELECT *, phase <> {Phase.END} AS is_open, size_e6 <> 0 AND is_open AS is_shown
        FROM decisions WHERE phase <> {Phase.ORDER}
    ),
    episodes AS (
        SELECT run_id, decision, any_value(lane) AS lane, any_value(kind) AS kind,
            any_value(market) AS market, min(ts_ns) AS begin_ns,
            coalesce(max(ts_ns) FILTER (NOT is_open), 0) AS end_ns,
            arg_min(struct_pack(ts_ns, size_e6, edge_e6, outlay_e6), place)
                FILTER (is_shown) AS shown,
            coalesce(
                arg_max(reason, place) FILTER (is_shown), arg_max(reason, place) FILTER (is_open)
            ) AS reason,
            coalesce(arg_max(plan, place) FILTER (is_open AND plan <> 0), 0) AS plan,
            arg_max(artefact, place) FILTER (is_open) AS artefact,
            bool_or(NOT is_open AND reason = {Reason.CONFIRMED}) AS confirmed
        FROM told GROUP BY run_id, decision
    ),
    named AS (
        SELECT market AS id, event, category FROM markets
        UNION ALL
        SELECT event, event, any_value(category) FROM markets WHERE "group" <> 0 GROUP BY event
    )
    SELECT run_id, decision, lane, kind, market, coalesce(event, market) AS event,
        coalesce(category, '') AS category, begin_ns, end_ns,
        shown IS NOT NULL AND artefact = 0 AND NOT confirmed AS displayed,
        if(displayed, shown.ts_ns, 0) AS displayed_ns,
        if(displayed AND end_ns > 0, end_ns - displayed_ns, NULL) AS life_ns,
        if(displayed, shown.size_e6, 0) AS displayed_size_e6,
        if(displayed, shown.edge_e6, 0) AS displayed_e6,
        if(displayed, shown.outlay_e6, 0) AS displayed_outlay_e6,
        coalesce(arrived, 0) AS arrived, coalesce(printed, 0) AS printed,
        coalesce(unseen, 0) AS unseen, coalesce(arrived_e6, 0) AS arrived_e6,
        reason, plan, artefact, confirmed
    FROM episodes
    LEFT JOIN (
        SELECT run_id, decision, arrived, printed, unseen, arrived * edge_e6 AS arrived_e6
        FROM outcomes
    ) USING (run_id, decision)
    LEFT JOIN named ON named.id = episodes.market"""


_EPISODES_NAMED = """
    WITH slugs AS (
        SELECT market AS id, slug FROM markets
        UNION ALL
        SELECT event, any_value(event_slug) FROM markets WHERE "group" <> 0 GROUP BY event
    )
    SELECT run_id, decision, utc(begin_ns) AS begins, life_ns / 1e6 AS life_ms,
        opportunity_kind_name(kind) AS what, slug, category, displayed,
        shares(displayed_size_e6) AS displayed_shares, usd(displayed_e6) AS displayed_usd,
        arrived = 1 AS arrived, printed = 1 AS printed, unseen = 1 AS unseen,
        usd(arrived_e6) AS arrived_usd, reason_name(reason) AS reason,
        artefact_name(artefact) AS artefact, plan
    FROM opportunities LEFT JOIN slugs ON slugs.id = opportunities.market"""


def _of_sweeps(files: Files) -> list[View]:
    heads = files.found("sweeps/*/sweep.json")
    folders = [name.rpartition("/")[0] for name in heads]
    whole = [folder for folder in folders if not folder.endswith(".partial")]
    captures = files.found("sweeps/*/opportunities.parquet")
    said = documents("sweep_id", [f"{folder}/sweep.json" for folder in whole])
    found = documents("sweep_id", [f"{folder}/summary.json" for folder in whole])
    tables = {name: [f"{folder}/{name}.parquet" for folder in whole] for name in ("days", "events")}
    watched = [name for name in captures if name.rpartition("/")[0] in whole]
    return [
        View("sweeps", "every whole sweep and capture analysis, in a row", _sweeps(said, found)),
        View(
            "sweep_sets",
            "the parameter sets of a sweep: a column each swept setting",
            _sets([f"{folder}/sets.parquet" for folder in whole]),
        ),
        View(
            "sweep_days",
            "what came of each set on each UTC day",
            by_folder("sweep_id", DAYS, tables["days"]),
        ),
        View(
            "sweep_events",
            "what came of each set, day, event and kind of opportunity",
            by_folder("sweep_id", EVENTS, tables["events"]),
        ),
        View(
            "sweep_opportunities",
            "of capture analyses: each displayed opportunity of each set",
            by_folder("sweep_id", OPPORTUNITIES, watched),
        ),
    ]


def _sweeps(said: str, found: str) -> str:
    return f"""
        SELECT sweep_id, {
        _said("kind VARCHAR kind", "keys VARCHAR[] keys", "sets BIGINT sets", "days DATE[] days")
    },
            epoch_ns(CAST(rtrim(content->>'$.from', 'Z') AS TIMESTAMP_NS)) AS first_ns,
            epoch_ns(CAST(rtrim(content->>'$.to', 'Z') AS TIMESTAMP_NS)) AS last_ns,
            {
        _said(
            "engine VARCHAR engine",
            "code VARCHAR code",
            "lake VARCHAR lake",
            "seconds DOUBLE seconds",
        )
    }, found.summary
        FROM ({said}) LEFT JOIN (SELECT sweep_id, content AS summary FROM ({found})) AS found
        USING (sweep_id)"""


def _sets(files: list[str]) -> str:
    if not files:
        return empty({"sweep_id": "VARCHAR", "set": "INTEGER"})
    return (
        f'SELECT {FOLDER} AS sweep_id, "set", * EXCLUDE ("set", filename) '
        f"FROM read_parquet({listed(files)}, filename = true, union_by_name = true, "
        "hive_partitioning = false)"
    )
