"""A bulletin for Prometheus, in its text format: every number by name, with what it means.

Names and units follow Prometheus' conventions: seconds, bytes, dollars, `_total` for what only
grows. What was counted for an opportunity that is still there may be counted otherwise in the end,
so opportunities are gauges. `hfptm.metric_table.METRICS` is the list.
"""

from collections.abc import Iterator

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from hfptm.bulletin import Bulletin
from hfptm.metric_shape import Shape
from hfptm.metric_table import METRICS
from hfptm.units import NS_PER_S

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

ALIVE_NS = 10 * NS_PER_S
"""A program that has said nothing for so long is not up."""

UP = "hfptm_up"
UP_HELP = "1 if a record, paper or live runs in the data folder and has not fallen silent."
LATENCY = "hfptm_latency_seconds"
LATENCY_HELP = (
    "feed: from the exchange's time of news to its receipt, by both clocks; decision: from the "
    "receipt of a frame to its intents; order: from the decision to the first report; "
    "confirmation: from the first fill to its trade being final."
)


def metrics_text(told: Bulletin | None, now_ns: int) -> bytes:
    """Of the last bulletin, now (UTC); without one only that nothing is up."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Told(told, now_ns))
    return generate_latest(registry)


class _Told(Collector):
    def __init__(self, told: Bulletin | None, now_ns: int) -> None:
        self._told, self._now_ns = told, now_ns

    def collect(self) -> Iterator[Metric]:
        told = self._told
        is_up = told and not told.ended and self._now_ns - told.told_ns < ALIVE_NS
        yield GaugeMetricFamily(UP, UP_HELP, value=int(bool(is_up)))
        if told:
            for shape in METRICS:
                yield from _family(shape, told)
            yield _latencies(told)


def _family(shape: Shape, told: Bulletin) -> Iterator[Metric]:
    """Nothing if there is no number of it."""
    made = CounterMetricFamily if shape.kind == "counter" else GaugeMetricFamily
    family = made(shape.name, shape.help, labels=shape.labels)
    for labels, value in shape.read(told):
        family.add_metric(labels, value)
    if family.samples:
        yield family


def _latencies(told: Bulletin) -> Metric:
    family = HistogramMetricFamily(LATENCY, LATENCY_HELP, labels=("step",))
    for latency in told.latencies:
        below = [(repr(bound_ns / NS_PER_S), float(count)) for bound_ns, count in latency.buckets]
        below.append(("+Inf", float(latency.count)))
        family.add_metric((latency.name,), below, latency.sum_ns / NS_PER_S)
    return family
