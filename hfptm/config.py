"""The configuration: defaults, then the file, then HFPTM_SECTION__KEY, then --set.

The only module that touches the environment. `load` gives the values as the user wrote them,
`limits` the integers the kernel and the simulated venue take, with every relation between them
checked.
"""

import os
from collections.abc import Mapping, Sequence
from decimal import Decimal
from functools import cache
from pathlib import Path

import msgspec

from hfptm import settings
from hfptm.clock import parse_utc_ns, weekly_restarts_ns
from hfptm.errors import ConfigError
from hfptm.limits import Limits
from hfptm.market_names import names_of
from hfptm.records import LegOrder, LegPolicy
from hfptm.sections import (
    Discovery,
    FeeModel,
    Fees,
    Live,
    Quality,
    Recorder,
    Replay,
    Risk,
    Section,
    Servers,
    Sim,
    Storage,
    Trading,
)
from hfptm.sections_watching import GONE, Alerts, Dashboard, Log
from hfptm.setting_types import MAX_USD
from hfptm.settings import Setting
from hfptm.units import NS_PER_MS, NS_PER_S, ONE_E6, PRICE_ONE_E4, WEI_PER_GWEI, parse_decimal

DEFAULT_PATH = Path("config/config.toml")
"""Read if it exists, relative to the working folder."""

_EDGE_E4, _FRACTION_E4 = range(PRICE_ONE_E4), range(PRICE_ONE_E4 + 1)

WEEKLY = "weekly"
"""In `sim.restarts`: those of `clock.weekly_restarts_ns`."""

DATA_DIR_VARIABLE = "HFPTM_DATA_DIR"


class Config(msgspec.Struct, frozen=True, kw_only=True):
    """Everything a run depends on, apart from its data."""

    trading: Trading = Trading()
    risk: Risk = Risk()
    fees: Fees = Fees()
    sim: Sim = Sim()
    replay: Replay = Replay()
    live: Live = Live()
    server: Servers = Servers()
    discovery: Discovery = Discovery()
    storage: Storage = Storage()
    recorder: Recorder = Recorder()
    quality: Quality = Quality()
    dashboard: Dashboard = Dashboard()
    alerts: Alerts = Alerts()
    log: Log = Log()
    sources: dict[str, str] = {}
    """Where each "section.key" that is not a default came from; for messages."""


SECTIONS: dict[str, type[Section]] = {
    name: kind for name, kind in Config.__annotations__.items() if name != "sources"
}


def environment() -> Mapping[str, str]:
    """This process's environment variables, for `load` and `data_dir`."""
    return os.environ


def say_nothing_to_ray() -> None:
    """Ray counts its users unless this variable of its own, which its processes inherit, is 0."""
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"


def data_dir(option: Path | None, environ: Mapping[str, str]) -> Path:
    """The folder of the lake and the runs: --data, else HFPTM_DATA_DIR, else data/."""
    return option or Path(environ.get(DATA_DIR_VARIABLE) or "data")


def load(path: Path | None, overrides: Sequence[str], environ: Mapping[str, str]) -> Config:
    """The configuration of this process; whatever it returns passes `limits`.

    `path`: the file named by --config, which must exist; None reads `DEFAULT_PATH` if it exists.
    `overrides`: the values of --set, "section.key=value". Later sources win. Raises ConfigError,
    naming source, key and what is allowed, on an unknown key, a wrong type, or values that do not
    fit together.
    """
    file = path or (DEFAULT_PATH if DEFAULT_PATH.exists() else None)
    values: dict[str, dict[str, object]] = {section: {} for section in SECTIONS}
    sources: dict[str, str] = {}
    for source, section, key, value in (
        *(settings.from_file(file, SECTIONS, GONE) if file else ()),
        *settings.from_environment(environ, [DATA_DIR_VARIABLE], SECTIONS),
        *settings.from_overrides(overrides, SECTIONS),
    ):
        values[section][key] = value
        sources[f"{section}.{key}"] = source
    sections = {name: kind(**values[name]) for name, kind in SECTIONS.items()}
    config = Config(**sections, sources=sources)  # type: ignore[arg-type]
    limits(config)
    for name in ("alerts.trade_above_usd", "alerts.drawdown_above_usd"):
        usd_e6(config, name)
    return config


def with_settings(config: Config, values: Mapping[str, object], source: str) -> Config:
    """With other values of these "section.key", in their own types; `limits` checks the whole."""
    changed: dict[str, dict[str, object]] = {}
    for name, value in values.items():
        section, key = name.split(".")
        changed.setdefault(section, {})[key] = value
    sections = {
        name: msgspec.structs.replace(getattr(config, name), **keys)
        for name, keys in changed.items()
    }
    sources = config.sources | dict.fromkeys(values, source)
    return msgspec.structs.replace(config, **sections, sources=sources)


def unwatched(config: Config) -> Config:
    """With the defaults of all that changes nothing of what a run does."""
    return msgspec.structs.replace(config, dashboard=Dashboard(), alerts=Alerts(), log=Log())


def limits(config: Config) -> Limits:
    """The configuration in integers; raises ConfigError if a value or a relation is impossible."""
    derived = Limits(
        bankroll_e6=usd_e6(config, "trading.bankroll_usd"),
        min_edge_e4=_scaled(config, "trading.min_edge", 4, range(PRICE_ONE_E4)),
        max_outlay_e6=usd_e6(config, "trading.max_arb_size_usd"),
        min_liquidity_e6=_scaled(config, "trading.min_liquidity_shares", 6, range(10**12 + 1)),
        min_return_e6=_scaled(config, "trading.min_return_per_day", 6, range(ONE_E6)),
        max_exposure_market_e6=usd_e6(config, "risk.max_exposure_per_market_usd"),
        max_exposure_event_e6=usd_e6(config, "risk.max_exposure_per_event_usd"),
        max_exposure_total_e6=usd_e6(config, "risk.max_exposure_total_usd"),
        max_concurrent_plans=config.risk.max_concurrent_arbs,
        daily_loss_e6=usd_e6(config, "risk.daily_loss_limit_usd"),
        max_drawdown_e6=usd_e6(config, "risk.max_drawdown_usd"),
        max_feed_lag_ns=config.risk.max_feed_lag_ms * NS_PER_MS,
        stale_book_after_ns=config.risk.stale_book_after_s * NS_PER_S,
        max_consecutive_failures=config.risk.max_consecutive_failures,
        failure_pause_ns=config.risk.failure_pause_s * NS_PER_S,
        max_drift_e6=usd_e6(config, "risk.max_inventory_drift_usd"),
        max_order_latency_ns=config.risk.max_order_latency_ms * NS_PER_MS,
        order_interval_ns=-(-NS_PER_S // config.risk.max_orders_per_s),
        order_burst=config.risk.max_order_burst,
        failed_book_pause_ns=config.risk.failed_book_pause_s * NS_PER_S,
        max_gas_wei=config.risk.max_gas_gwei * WEI_PER_GWEI,
        canary_outlay_e6=usd_e6(config, "live.canary_usd"),
        canary_plans=config.live.canary_plans,
        entry_latency_ns=config.sim.entry_latency_ms * NS_PER_MS,
        entry_latency_p99_ns=config.sim.entry_latency_p99_ms * NS_PER_MS,
        matching_delay_ns=config.sim.matching_delay_ms * NS_PER_MS,
        matching_delay_p99_ns=config.sim.matching_delay_p99_ms * NS_PER_MS,
        response_latency_ns=config.sim.response_latency_ms * NS_PER_MS,
        response_latency_p99_ns=config.sim.response_latency_p99_ms * NS_PER_MS,
        taker_delay_ns=config.sim.taker_delay_ms * NS_PER_MS,
        restarts_ns=_restarts_ns(config),
        settlement_ns=config.sim.settlement_ms * NS_PER_MS,
        settlement_failure_e4=_scaled(config, "sim.settlement_failure", 4, range(PRICE_ONE_E4)),
        measured_requests=config.sim.measured_requests,
        seed=config.sim.seed,
        quiet_grace_ns=config.sim.quiet_grace_ms * NS_PER_MS,
        print_window_ns=config.sim.print_window_ms * NS_PER_MS,
        queue_model=config.sim.queue_model,
        fee_model=FeeModel[config.fees.model.upper()],
        block_rows=config.replay.block_rows,
        merges_pairs=config.trading.complete_sets != "hold",
        converts_baskets=config.trading.complete_sets == "convert",
        leg_policy=LegPolicy[config.trading.order_type.upper()],
        leg_order=LegOrder[config.trading.leg_order.upper()],
        leg_timeout_ns=config.trading.leg_timeout_ms * NS_PER_MS,
        slippage_e4=_scaled(config, "trading.slippage_tolerance", 4, range(PRICE_ONE_E4)),
        position_timeout_ns=config.risk.position_timeout_h * 3_600 * NS_PER_S,
        edge_scaled_share_e4=_scaled(config, "trading.edge_scaled_share", 4, _FRACTION_E4),
        short_window_ns=config.discovery.short_window_s * NS_PER_S,
        short_window_min_edge_e4=_scaled(config, "trading.short_lived_min_edge", 4, _EDGE_E4),
        short_window_max_outlay_e6=usd_e6(config, "trading.short_lived_max_size_usd"),
        min_time_to_expiry_ns=config.trading.min_minutes_to_expiry * 60 * NS_PER_S,
        confirm_ns=config.trading.confirm_ms * NS_PER_MS,
        blacklist=names_of(config.trading.blacklisted_markets),
        min_quality_e4=_scaled(config, "quality.min_score", 4, range(10 * PRICE_ONE_E4 + 1)),
        quality_weights_e4=_weights_e4(config),
    )
    _require_at_most(config, "trading.max_arb_size_usd", "trading.bankroll_usd")
    _require_at_most(config, "risk.max_exposure_per_market_usd", "risk.max_exposure_per_event_usd")
    _require_at_most(config, "risk.max_exposure_per_event_usd", "risk.max_exposure_total_usd")
    for name in ("entry_latency", "matching_delay", "response_latency"):
        _require_spread(config, f"sim.{name}_ms", f"sim.{name}_p99_ms")
    return derived


def _restarts_ns(config: Config) -> tuple[int, ...]:
    try:
        return _restarts_of(config.sim.restarts)
    except ValueError as error:
        source = _setting(config, "sim.restarts").source
        raise ConfigError(source, "sim.restarts", f"{error}, or {WEEKLY}") from error


@cache  # a thousand sets name the same ones
def _restarts_of(names: str) -> tuple[int, ...]:
    """Sorted; raises ValueError for what is no time."""
    found: set[int] = set()
    for name in filter(None, map(str.strip, names.split(","))):
        found.update(weekly_restarts_ns() if name == WEEKLY else [parse_utc_ns(name)])
    return tuple(sorted(found))


def _weights_e4(config: Config) -> tuple[int, int, int, int]:
    """Of edge, liquidity, amount and gain; ConfigError unless they sum to 1."""
    names = [f"quality.{name}_weight" for name in ("edge", "liquidity", "amount", "gain")]
    edge, liquidity, amount, gain = (_scaled(config, name, 4, _FRACTION_E4) for name in names)
    total_e4 = edge + liquidity + amount + gain
    if total_e4 != PRICE_ONE_E4:
        name = next((name for name in names if name in config.sources), names[0])
        problem = f"the weights of [quality] sum to {Decimal(total_e4).scaleb(-4)}; make it 1"
        raise ConfigError(_setting(config, name).source, name, problem)
    return edge, liquidity, amount, gain


def _require_spread(config: Config, median: str, p99: str) -> None:
    """A log-normal latency has a median above 0, and its 99th percentile is no less."""
    low_ms, high_ms = _value(config, median), _value(config, p99)
    if high_ms and not 0 < low_ms <= high_ms:
        source = _setting(config, p99 if p99 in config.sources else median).source
        problem = f"{high_ms} needs {median}, {low_ms}, above 0 and no higher; or 0: constant"
        raise ConfigError(source, p99, problem)


def usd_e6(config: Config, name: str) -> int:
    """A setting in dollars, or ConfigError."""
    return _scaled(config, name, 6, range(1, MAX_USD * ONE_E6 + 1))


def _scaled(config: Config, name: str, digits: int, allowed: range) -> int:
    """A Decimal setting times 10**digits, exactly, or ConfigError."""
    setting = _setting(config, name)
    value = _value(config, name)
    if value.adjusted() not in range(-18, 19):  # spelt out, it might not fit in memory
        raise settings.refused(SECTIONS, setting)
    try:
        scaled = parse_decimal(f"{value:f}", digits)
    except ValueError as error:
        raise settings.refused(SECTIONS, setting) from error
    if scaled not in allowed:
        raise settings.refused(SECTIONS, setting)
    return scaled


def _require_at_most(config: Config, smaller: str, larger: str) -> None:
    low, high = _value(config, smaller), _value(config, larger)
    if low > high:
        # The one that was set is the one to look at, not the default it fails against.
        source = _setting(config, smaller if smaller in config.sources else larger).source
        problem = f"{low} is above {larger}, {high}; lower the one or raise the other"
        raise ConfigError(source, smaller, problem)


def _value(config: Config, name: str) -> Decimal:
    section, key = name.split(".")
    value: Decimal = getattr(getattr(config, section), key)
    return value


def _setting(config: Config, name: str) -> Setting:
    section, key = name.split(".")
    return Setting(config.sources.get(name, "defaults"), section, key, _value(config, name))


def as_toml(config: Config) -> str:
    """The whole configuration as a file that `load` reads back to the same values."""
    lines = []
    for section in SECTIONS:
        lines.append(f"[{section}]")
        for key, value in msgspec.structs.asdict(getattr(config, section)).items():
            lines.append(f"{key} = {_toml_value(value)}")
        lines.append("")
    return "\n".join(lines)


def _toml_value(value: object) -> str:
    return f"{value:f}" if isinstance(value, Decimal) else repr(value)
