"""The page of a run or sweep: verdict first, everything said how it was measured, nothing leaks."""

import re
from importlib.resources import files
from pathlib import Path

import msgspec
import pytest

from hfptm.drive.inputs import LIVE, Start
from hfptm.errors import LakeError
from replay.confidence import Estimate
from replay.driver import Selection, options_of
from replay.metrics import Json
from replay.page import page, write_page
from replay.page_parts import settings_of
from replay.run_verdict import Caught, sentence
from replay.twin import keep_twin
from tests.engines import crossed_market, tape_of
from tests.kept_replay import HOSTILE, keep_replay
from tests.kept_runs import RUN_ID, fills_all, kept_run
from tests.kept_sweeps import CAPTURE_ID, DATES, SWEEP_ID, keep_capture, keep_sweep
from tests.tapes import START_NS, make_market

PLOTLY = files("plotly").joinpath("package_data", "plotly.min.js").read_text("utf-8")
RPC = "server.rpc_url=https://node.example/v2/c0ffee-key"
SECTIONS = ["What was measured", "Figures", "Coverage", "Configuration"]


class Kept:
    def __init__(self, data: Path, markets: int) -> None:
        self.data = data
        self.summary = keep_replay(data, markets, RPC, "trading.min_edge=0.01")
        self.run_id = str(self.summary["run_id"])
        self.page = page(data, self.run_id)


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Kept:
    return Kept(tmp_path_factory.mktemp("page"), 36)


def verdict(html: str) -> str:
    (said,) = re.findall(r'<p class="verdict">(.*?)</p>', html)
    return str(said)


def test_the_verdict_comes_first_and_says_of_how_many(kept: Kept) -> None:
    said = verdict(kept.page)
    assert said.startswith("Of 36 displayed opportunities in 36 events, ")
    assert re.search(r"\(95 %: [\d.]+% to [\d.]+%\)", said)
    assert kept.page.index(said) < kept.page.index("<h2")


def test_too_little_is_no_verdict(tmp_path: Path) -> None:
    run_id = str(keep_replay(tmp_path, 3)["run_id"])
    assert verdict(page(tmp_path, run_id)).startswith("Too thin for a verdict: 3 displayed")


def _summary(span_s: float) -> Json:
    money = dict.fromkeys(("pnl_usd", "locked_profit_usd", "residue_bid_usd"), 0.0)
    return {"coverage": {"span_s": span_s}, "residue_cost_usd": 2.5, **money}


NOTHING = Caught(0, 0, 0, Estimate(0.0))


@pytest.mark.parametrize(
    ("span_s", "found", "said"),
    [
        (86_400, NOTHING, "No edge here: in 24 hours nothing was displayed"),
        (86_399, NOTHING, "Too thin for a verdict: 0 displayed opportunities in 0 events"),
        (86_400, Caught(4, 400, 0, Estimate(0.5)), "Too thin for a verdict: 400 displayed"),
        (86_400, Caught(5, 29, 0, Estimate(0.5, 0.4, 0.6)), "Too thin for a verdict: 29"),
        (86_400, Caught(5, 30, 3, Estimate(0.5, 0.4, 0.6)), "50.0% (95 %: 40.0% to 60.0%)"),
        (86_400, Caught(5, 30, 3, Estimate(0.5, 0.4, 0.6)), "10.0% were corroborated"),
        (86_400, Caught(5, 30, 3, Estimate(0.5, 0.4, 0.6)), "worth $2.50 less at the last bids"),
    ],
)
def test_sentences(span_s: float, found: Caught, said: str) -> None:
    assert said in sentence(_summary(span_s), found)


def test_words_of_others_stay_words(kept: Kept) -> None:
    assert HOSTILE not in kept.page
    assert "&lt;script&gt;document.title" in kept.page
    markup = kept.page.replace(PLOTLY, "")
    drawn = markup.count('<script type="application/json"')
    assert markup.count("<script") == drawn + 2, "plotly, and what draws with it"


def test_figures_have_their_numbers_beside_them(kept: Kept) -> None:
    html = kept.page
    assert html.count("<figure>") == html.count("Numbers of this figure") >= 6
    assert html.count('role="img"') == html.count("<figure>")
    assert html.count("data-figure=") == html.count("<figure>")
    assert "verified; <code>hfptm verify</code> checks and grades them." in html


def test_what_differs_from_the_defaults_comes_first(kept: Kept) -> None:
    configuration = kept.page[kept.page.index('id="configuration"') :]
    changed = configuration.index(">trading.min_edge<")
    assert changed < configuration.index("at their defaults")
    assert "<td>0.01</td><td>0.025</td>" in configuration


def test_an_address_loses_what_may_be_a_key(kept: Kept) -> None:
    assert "c0ffee-key" not in kept.page
    assert "https://node.example/..." in kept.page
    (shown,) = settings_of('[server]\nrpc_url = "https://u:p@h"').changed
    assert shown == ("server.rpc_url", "https://h/...", "(empty)")


def test_a_setting_of_another_version_is_shown(kept: Kept) -> None:
    found = settings_of("[trading]\nmin_edge = 0.025\nold_key = 5\n")
    assert found.changed == [("trading.old_key", "5", "no such setting today")]
    assert found.kept == [("trading.min_edge", "0.025")]


def test_it_says_what_made_it_and_how_to_make_it_again(kept: Kept) -> None:
    html = kept.page
    assert str(kept.summary["digest"]) in html
    again = f"hfptm replay --config data/runs/{kept.run_id}/config.toml</code>"
    assert again in html


def test_times_are_said_with_whose_they_are(kept: Kept) -> None:
    part = kept.page[kept.page.index('id="latency"') : kept.page.index('id="coverage"')]
    assert "the simulated venue&#x27;s: what it was told" in part
    (orders,) = re.findall(r"decision to first answer</th><td>(\d+)</td>", part)
    assert f"n = {orders} orders" in kept.page, "the figure counts the same"
    assert "<li>sign: nothing is signed in such a run</li>" in part


def test_a_run_without_its_selection_says_so(kept: Kept) -> None:
    file = kept.data / "runs" / kept.run_id / "summary.json"
    whole = file.read_bytes()
    summary = msgspec.json.decode(whole)
    del summary["selection"]
    file.write_bytes(msgspec.json.encode(summary))
    try:
        assert "kept no record of what it had selected" in page(kept.data, kept.run_id)
    finally:
        file.write_bytes(whole)


def test_options_are_quoted_for_a_shell() -> None:
    chosen = Selection(5, 7, markets=("a b", "c"), events=("$x",))
    said = "--from 5 --to 7 --market 'a b' --market c --event '$x'"
    assert options_of(chosen) == said


def test_the_same_run_gives_the_same_page(kept: Kept, tmp_path: Path) -> None:
    file = write_page(kept.data, kept.run_id, tmp_path / "new" / "page.html")
    assert file.read_text(encoding="utf-8") == kept.page


def test_a_live_run_stands_beside_its_paper_twin(tmp_path: Path) -> None:
    market = make_market("one")
    tape = tape_of(crossed_market("one", START_NS))
    kept_run(tmp_path, Start(mode=LIVE), tape, ([market], []), exchange=fills_all)
    keep_twin(tmp_path, tmp_path / "runs" / RUN_ID)
    html = page(tmp_path, RUN_ID)
    assert f"<h1>Live {RUN_ID}</h1>" in html
    assert "n = 1 plan live, 1 plan paper twin; after fees" in html
    assert "planned by both</th><td>1</td>" in html
    assert f"<code>hfptm parity {RUN_ID}</code>" in html
    twin = page(tmp_path, f"{RUN_ID}-twin")
    assert "planned by both" not in twin


def test_why_nothing_is_drawn_is_said_once(tmp_path: Path) -> None:
    run_id = str(keep_replay(tmp_path, 2, "trading.min_edge=0.9")["run_id"])
    html = page(tmp_path, run_id)
    assert html.count(f"Not drawn: run {run_id} displayed nothing") == 1
    assert html.count("<figure>") == 1


def test_pages_of_sweeps_and_captures(tmp_path: Path) -> None:
    keep_sweep(tmp_path)
    keep_capture(tmp_path)
    sweep, capture = page(tmp_path, SWEEP_ID), page(tmp_path, CAPTURE_ID)
    assert verdict(sweep).startswith("No edge: the best of 30 sets")
    assert "30 sets were tried" in sweep
    assert "p = 0.310" in sweep
    assert f"hfptm sweep data/sweeps/{SWEEP_ID}/grid.toml --config" in sweep
    assert verdict(capture).startswith("At 100 ms 58 %")
    assert "hfptm capture --config" in capture
    assert "No change is supported by this data." in capture
    assert "<td>min_edge 0.008 earned less</td><td>none</td>" in capture
    assert "set 0 of" in capture
    assert "up to what was displayed" in capture
    assert "up to what was displayed" not in sweep
    for html in (sweep, capture):
        assert [f">{title}</h2>" in html for title in SECTIONS] == [True] * 4
        assert "Each UTC day begins flat" in html
        assert ", ".join(DATES) in html
        assert html.count("<figure>") >= 8


def test_a_search_is_made_again_by_its_own_command(tmp_path: Path) -> None:
    keep_sweep(tmp_path)
    head = tmp_path / "sweeps" / SWEEP_ID / "sweep.json"
    head.write_text(head.read_text().replace('"kind": "grid"', '"kind": "tune"'))
    html = page(tmp_path, SWEEP_ID)
    assert f"<code>hfptm tune data/sweeps/{SWEEP_ID}/grid.toml --config" in html


def test_a_chance_is_never_none(tmp_path: Path) -> None:
    tiny = {"method": "m", "tried": 9, "p_value": 0.0004, "threshold_e6": 1.0}
    keep_sweep(tmp_path, {"correction": tiny})
    assert "p &lt; 0.001 that" in page(tmp_path, SWEEP_ID)


def test_a_sweep_that_concluded_nothing_gets_no_verdict(tmp_path: Path) -> None:
    keep_sweep(tmp_path, {"seconds": 1})
    html = page(tmp_path, SWEEP_ID)
    assert verdict(html).startswith("Too thin for a verdict")
    assert f"Not drawn: sweep {SWEEP_ID} says nothing of its walk forward." in html


def test_a_sweep_of_too_little_says_so_first(tmp_path: Path) -> None:
    said = {"word": "too little data", "sentence": "2 days are too few."}
    keep_sweep(tmp_path, {"verdict": said})
    assert verdict(page(tmp_path, SWEEP_ID)) == "Too thin for a verdict: 2 days are too few."


def test_no_such_name(kept: Kept, tmp_path: Path) -> None:
    with pytest.raises(LakeError, match=f"no run and no sweep x in .*{kept.run_id}"):
        page(kept.data, "x")
    with pytest.raises(LakeError, match="no run and no sweep"):
        page(kept.data, "..")
    (tmp_path / "runs" / "y.partial").mkdir(parents=True)
    with pytest.raises(LakeError, match="never finished"):
        write_page(tmp_path, "y", tmp_path / "y.html")
    assert not (tmp_path / "y.html").exists()
