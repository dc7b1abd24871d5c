"""A replay of a small lake: markets with one crossed book each, some of them oddly named."""

from pathlib import Path

from hfptm.clock import NS_MAX
from hfptm.config import load
from hfptm.lake import Lake
from replay.driver import Selection, replay
from replay.metrics import Json
from tests.engines import crossed_market, tape_of
from tests.tapes import START_NS, make_market

HOSTILE = '<script>document.title = "owned"</script>'
"""A market's slug is somebody else's text."""
ALIKE = "will-the-same-long-name-end-otherwise-in-"

SECOND_NS = 1_000_000_000


def keep_replay(data: Path, markets: int, *overrides: str) -> Json:
    """The summary of a run over so many markets, one opportunity in each."""
    slugs = [HOSTILE, *(f"{ALIKE}{number}" for number in range(1, markets))][:markets]
    lake = Lake(data)
    lake.write_markets("made", [make_market(slug) for slug in slugs], [])
    rows = [
        row
        for place, slug in enumerate(slugs)
        for row in crossed_market(slug, START_NS + place * 5 * SECOND_NS)
    ]
    lake.write_events("made", tape_of(rows))
    return replay(data, load(None, overrides, {}), Selection(0, NS_MAX), lambda *_: None)[1]
