"""Every metric there is, but for those that `hfptm.metrics` makes itself."""

from collections.abc import Iterator

from hfptm.bulletin import Bulletin
from hfptm.feed_metrics import FEED_METRICS
from hfptm.metric_shape import Sample, Shape, shape
from hfptm.trading_metrics import TRADING_METRICS
from hfptm.units import NS_PER_S


def _build(told: Bulletin) -> Iterator[Sample]:
    yield (told.code.package, told.code.commit or "", told.code.python), 1


METRICS: tuple[Shape, ...] = (
    shape("hfptm_build_info", "What code runs.", ("version", "commit", "python"), _build),
    shape(
        "hfptm_run_info",
        "What runs: record, paper, shadow or live.",
        ("mode",),
        lambda told: [((told.mode,), 1)],
    ),
    shape(
        "hfptm_healthy",
        "1 if there is nothing that somebody should do something about.",
        (),
        lambda told: [((), int(not told.problems))],
    ),
    shape("hfptm_problems", "What there is.", (), lambda told: [((), len(told.problems))]),
    shape(
        "hfptm_started_timestamp_seconds",
        "When it began, since 1970.",
        (),
        lambda told: [((), told.began_ns / NS_PER_S)],
    ),
    shape(
        "hfptm_last_told_timestamp_seconds",
        "When it last said how it is doing, since 1970.",
        (),
        lambda told: [((), told.told_ns / NS_PER_S)],
    ),
    *FEED_METRICS,
    *TRADING_METRICS,
)
