"""Settings: who wins, what is refused and with which words, and that every key is documented."""

import ast
import inspect
import re
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hfptm import config, settings
from hfptm.clock import weekly_restarts_ns
from hfptm.config import SECTIONS, Config
from hfptm.errors import ConfigError
from hfptm.limits import Limits
from hfptm.records import LegOrder, LegPolicy
from hfptm.sections import FeeModel, Fees, Sim, Trading
from tests.conftest import ROOT

EXAMPLE = ROOT / "config" / "config.toml"


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The working folder has no config/config.toml."""
    monkeypatch.chdir(tmp_path)


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "my.toml"
    path.write_text(text)
    return path


def refusal(path: Path | None = None, *sets: str, **environ: str) -> str:
    with pytest.raises(ConfigError) as caught:
        config.load(path, sets, environ)
    return str(caught.value)


def test_defaults_without_any_source() -> None:
    loaded = config.load(None, [], {"PATH": "/bin", "HFPTM_DATA_DIR": "x"})
    assert loaded == Config()
    assert config.limits(loaded) == Limits(
        bankroll_e6=1_000_000_000,
        min_edge_e4=250,
        max_outlay_e6=100_000_000,
        min_liquidity_e6=100_000_000,
        min_return_e6=0,
        max_exposure_market_e6=200_000_000,
        max_exposure_event_e6=500_000_000,
        max_exposure_total_e6=1_000_000_000,
        max_concurrent_plans=20,
        daily_loss_e6=50_000_000,
        max_drawdown_e6=100_000_000,
        max_feed_lag_ns=5_000_000_000,
        stale_book_after_ns=600_000_000_000,
        max_consecutive_failures=10,
        failure_pause_ns=60_000_000_000,
        max_drift_e6=50_000_000,
        max_order_latency_ns=2_000_000_000,
        order_interval_ns=25_000_000,
        order_burst=60,
        failed_book_pause_ns=30_000_000_000,
        max_gas_wei=100_000_000_000,
        canary_outlay_e6=10_000_000,
        canary_plans=0,
        entry_latency_ns=50_000_000,
        entry_latency_p99_ns=0,
        matching_delay_ns=0,
        matching_delay_p99_ns=0,
        response_latency_ns=30_000_000,
        response_latency_p99_ns=0,
        taker_delay_ns=0,
        settlement_ns=2_000_000_000,
        settlement_failure_e4=0,
        restarts_ns=tuple(weekly_restarts_ns()),
        measured_requests="",
        seed=0,
        quiet_grace_ns=1_000_000_000,
        print_window_ns=1_000_000_000,
        queue_model="risk_averse",
        fee_model=FeeModel.PUBLISHED,
        block_rows=262_144,
        merges_pairs=True,
        converts_baskets=True,
        leg_policy=LegPolicy.FAK,
        leg_order=LegOrder.AT_ONCE,
        leg_timeout_ns=200_000_000,
        slippage_e4=100,
        position_timeout_ns=86_400_000_000_000,
        edge_scaled_share_e4=1_000,
        short_window_ns=3_900_000_000_000,
        short_window_min_edge_e4=80,
        short_window_max_outlay_e6=50_000_000,
        min_time_to_expiry_ns=120_000_000_000,
        confirm_ns=0,
        blacklist=(),
        min_quality_e4=0,
        quality_weights_e4=(4_000, 3_000, 2_000, 1_000),
    )


def test_later_sources_win(tmp_path: Path) -> None:
    path = written(tmp_path, "[sim]\nentry_latency_ms = 1\nresponse_latency_ms = 2\n")
    environ = {"HFPTM_SIM__RESPONSE_LATENCY_MS": "3", "HFPTM_SIM__QUIET_GRACE_MS": "4"}
    sets = ["sim.quiet_grace_ms=5", "sim.quiet_grace_ms = 6"]
    loaded = config.load(path, sets, environ)
    assert loaded.sim == Sim(entry_latency_ms=1, response_latency_ms=3, quiet_grace_ms=6)
    assert loaded.sources == {
        "sim.entry_latency_ms": str(path),
        "sim.response_latency_ms": "environment variable HFPTM_SIM__RESPONSE_LATENCY_MS",
        "sim.quiet_grace_ms": "--set",
    }


def test_the_file_of_the_working_folder_is_read_if_it_is_there(tmp_path: Path) -> None:
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "config.toml").write_text("[replay]\nblock_rows = 7\n")
    assert config.load(None, [], {}).replay.block_rows == 7


def test_decimals_are_exact_from_every_source(tmp_path: Path) -> None:
    path = written(tmp_path, "[trading]\nbankroll_usd = 123456789.123457\n")
    loaded = config.load(path, ["trading.min_edge=0.0007"], {})
    derived = config.limits(loaded)
    assert (derived.bankroll_e6, derived.min_edge_e4) == (123_456_789_123_457, 7)


def test_a_key_of_earlier_versions_is_passed_over_where_it_meant_nothing(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text("[recorder]\nstatus_port = 0\nredundancy = 1")
    assert config.load(file, [], {}).recorder.redundancy == 1


@pytest.mark.parametrize("model", list(FeeModel))
def test_fee_models_by_name(model: FeeModel) -> None:
    loaded = config.load(None, [f"fees.model={model.name.lower()}"], {})
    assert config.limits(loaded).fee_model is model


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[trading]\nmin_egde = 1", "trading.min_egde: is unknown; did you mean min_edge?"),
        ("[tradng]\nmin_edge = 1", "tradng: is unknown; did you mean trading?"),
        ("[zzz]\n", "zzz: is unknown; known: trading, risk, fees, sim, replay"),
        ("sources = {a = 1}", "sources: is unknown; known: trading"),
        ("sim = 3", "sim: is a section; write it as [sim]"),
        ("[recorder]\nstatus_port = 9100", "recorder.status_port: is no more; dashboard.port"),
        ("[sim]\nentry_latency_ms = '5'", "'5' is refused; allowed: a whole number, 0 to"),
        ("[sim]\nentry_latency_ms = true", "True is refused; allowed: a whole number"),
        ("[sim]\nentry_latency_ms = 5.0", "5.0 is refused; allowed: a whole number"),
        ("[sim]\nentry_latency_ms = -1", "-1 is refused; allowed: a whole number, 0 to"),
        ("[sim]\nentry_latency_ms = [1]", "[1] is refused; allowed: a whole number"),
        ("[replay]\nblock_rows = 0", "0 is refused; allowed: a whole number, 1 to 16777216"),
        ("[trading]\nbankroll_usd = '9'", "'9' is refused; allowed: dollars above 0"),
        ("[trading]\nbankroll_usd = true", "True is refused; allowed: dollars above 0"),
        ("[trading]\nbankroll_usd = 0", "0 is refused; allowed: dollars above 0"),
        ("[trading]\nbankroll_usd = nan", "NaN is refused; allowed: dollars above 0"),
        ("[trading]\nbankroll_usd = inf", "Infinity is refused; allowed: dollars above 0"),
        ("[trading]\nbankroll_usd = 1e999999999", "is refused; allowed: dollars above 0"),
        ("[trading]\nbankroll_usd = 1000000000.01", "is refused; allowed: dollars above 0"),
        ("[trading]\nmin_edge = 1", "1 is refused; allowed: 0 or more, below 1"),
        ("[trading]\nmin_edge = 0.00001", "is refused; allowed: 0 or more, below 1, with at most"),
        ("[fees]\nmodel = 'free'", "'free' is refused; allowed: published, none, seed_flat_2pct"),
        ("[server]\nclob_url = 'clob'", "'clob' is refused; allowed: an address that begins with"),
        (
            "[server]\nclob_url = 'ws://h'",
            "allowed: an address that begins with http:// or https://",
        ),
        ("[server]\ngamma_url = 'http://h/'", "without a slash at its end"),
        ("[server]\ngamma_url = 'https://h:port'", "server.gamma_url: 'https://h:port' is refused"),
        ("[server]\nuser_ws_url = 'http://h'", "an address that begins with ws:// or wss://"),
        ('[server]\nmarket_ws_url = "ws://h/ws\\n"', "server.market_ws_url: 'ws://h/ws\\n' is"),
        (
            "[discovery]\nmax_order_books = 20001",
            "20001 is refused; allowed: a whole number, 1 to 20000",
        ),
        ("[discovery]\nmin_volume_24h_usd = 0.5", "0.5 is refused; allowed: whole dollars, 0 to"),
        (
            '[discovery]\nblacklisted_markets = "it\'s"',
            "is refused; allowed: names between commas, without quotes",
        ),
        ("[storage]\nflush_interval_ms = 9", "9 is refused; allowed: a whole number, 10 to 60000"),
        (
            "[storage]\ncopy_url = 's3://key:secret@host/b'",
            "s3://bucket/folder, without credentials",
        ),
        ("[storage]\ncopy_url = 's3://bucket/'", "an address such as s3://bucket/folder"),
        ("[storage]\ncopy_url = 'bucket'", "an address such as s3://bucket/folder"),
        ("[trading\n", "the whole file: is not TOML"),
        (
            "[trading]\nmax_arb_size_usd = 1000.01",
            "max_arb_size_usd: 1000.01 is above trading.bankroll_usd, 1000; lower the one",
        ),
        (
            "[sim]\nentry_latency_p99_ms = 49",
            "sim.entry_latency_p99_ms: 49 needs sim.entry_latency_ms, 50, above 0 and no higher",
        ),
        (
            "[sim]\nrestarts = 'weekly, noon'",
            "sim.restarts: not a time: 'noon'; write 2026-04-29, ",
        ),
        (
            "[sim]\nmatching_delay_p99_ms = 1",
            "sim.matching_delay_p99_ms: 1 needs sim.matching_delay_ms, 0, above 0 and no higher",
        ),
        (
            '[sim]\nmeasured_requests = "it\'s"',
            "sim.measured_requests: \"it's\" is refused; allowed: a file's path, without quotes",
        ),
        (
            "[risk]\nmax_exposure_per_event_usd = 150",
            "max_exposure_per_market_usd: 200 is above risk.max_exposure_per_event_usd, 150",
        ),
        (
            "[risk]\nmax_exposure_total_usd = 499",
            "max_exposure_per_event_usd: 500 is above risk.max_exposure_total_usd, 499",
        ),
        ("[trading]\nmin_liquidity_shares = -1", "-1 is refused; allowed: 0 to 1000000 shares"),
        ("[trading]\nmin_return_per_day = 1", "1 is refused; allowed: 0 or more, below 1, with"),
        ("[risk]\nmax_concurrent_arbs = 65", "65 is refused; allowed: a whole number, 1 to 64"),
    ],
)
def test_a_bad_file_is_one_error_naming_file_key_and_what_is_allowed(
    tmp_path: Path, text: str, message: str
) -> None:
    path = written(tmp_path, text)
    said = refusal(path)
    assert said.startswith(f"{path}: ")
    assert message in said


def test_bad_text_names_its_source() -> None:
    assert "--set: trading.min_edge: 'abc' is refused; allowed: 0 or" in refusal(
        None, "trading.min_edge=abc"
    )
    assert "--set: sim.entry_latency_ms: '1.5' is refused" in refusal(
        None, "sim.entry_latency_ms=1.5"
    )
    assert "--set: trading.min_edge: NaN is refused" in refusal(None, "trading.min_edge=nan")
    assert "is not of the form section.key=value" in refusal(None, "min_edge=1")
    assert "is not of the form section.key=value" in refusal(None, "trading.min_edge")
    assert "environment variable HFPTM_SIM__LATENCY: sim.latency: is unknown" in refusal(
        HFPTM_SIM__LATENCY="1"
    )
    assert "HFPTM_SIM_X: is unknown; hfptm reads HFPTM_DATA_DIR and" in refusal(HFPTM_SIM_X="1")


def test_a_named_file_must_exist(tmp_path: Path) -> None:
    assert "cannot be read (No such file or directory); check the path" in refusal(
        tmp_path / "none.toml"
    )
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe")
    assert "is not TOML" in refusal(tmp_path / "binary.toml")


@given(
    st.decimals("0.01", 10**6, places=6),
    st.decimals("0", "0.9999", places=4),
    st.integers(0, 3_600_000),
    st.sampled_from(list(FeeModel)),
)
def test_what_is_journalled_reads_back_as_it_was(
    usd: Decimal, edge: Decimal, latency_ms: int, model: FeeModel
) -> None:
    trading = Trading(bankroll_usd=usd, max_arb_size_usd=usd, min_edge=edge)
    before = Config(
        trading=trading,
        sim=Sim(entry_latency_ms=latency_ms),
        fees=Fees(model=model.name.lower()),  # type: ignore[arg-type]
    )
    path = Path("run.toml")
    path.write_text(config.as_toml(before))
    after = config.load(path, [], {})
    assert msgspec.structs.replace(after, sources={}) == before
    assert config.limits(after) == config.limits(before)


def test_the_example_file_names_every_key_with_its_default() -> None:
    found = {(s.section, s.key): s.value for s in settings.from_file(EXAMPLE, SECTIONS, {})}
    defaults = {
        (section, key): value
        for section, kind in SECTIONS.items()
        for key, value in msgspec.structs.asdict(kind()).items()
    }
    assert found == defaults


def test_every_key_of_the_example_file_stands_under_a_comment() -> None:
    lines = EXAMPLE.read_text().splitlines()
    bare = [
        line
        for above, line in pairwise(lines)
        if re.match(r"\w+ =", line) and not above.startswith("# ")
    ]
    assert bare == []


@pytest.mark.parametrize("section", SECTIONS.values(), ids=lambda kind: str(kind.__name__))
def test_every_key_has_a_docstring(section: type[msgspec.Struct]) -> None:
    (definition,) = ast.parse(inspect.getsource(section)).body
    assert isinstance(definition, ast.ClassDef)
    for field, below in zip(definition.body, [*definition.body[1:], None], strict=True):
        if isinstance(field, ast.AnnAssign):
            assert isinstance(below, ast.Expr), f"{ast.unparse(field.target)} has no docstring"


def test_who_watches_changes_nothing_of_what_a_run_does() -> None:
    watched = config.load(None, ["dashboard.port=3000", "alerts.group_s=1", "log.level=debug"], {})
    bare = config.unwatched(watched)
    assert config.as_toml(bare) == config.as_toml(config.load(None, [], {}))
    stricter = config.load(None, ["trading.min_edge=0.5"], {})
    assert config.as_toml(config.unwatched(stricter)) != config.as_toml(bare)


def test_data_folder() -> None:
    assert config.data_dir(None, {}) == Path("data")
    assert config.data_dir(None, {"HFPTM_DATA_DIR": "/d"}) == Path("/d")
    assert config.data_dir(Path("o"), {"HFPTM_DATA_DIR": "/d"}) == Path("o")
