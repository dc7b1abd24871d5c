"""docs/metrics.md: every metric, and what to tell a Prometheus."""

from hfptm.metric_table import METRICS
from hfptm.metrics import LATENCY, LATENCY_HELP, UP, UP_HELP

_HEAD = """\
# Metrics

Written by `make docs` from `hfptm.metric_table`; a test fails where they differ.

`/metrics` of the dashboard (`dashboard.port`, or `hfptm dashboard`) is in Prometheus' text format:
whatever runs in the data folder, `hfptm record`, `paper` or `live`. All times are in seconds, all
amounts in dollars. Labels have few values: lines, kinds of opportunities, limits, reasons; never a
market. What a program that has ended or was killed said last stays, with `hfptm_up` 0.

```yaml
scrape_configs:
  - job_name: hfptm
    scrape_interval: 5s
    static_configs:
      - targets: ["127.0.0.1:3000"]
```

A dashboard with a token wants `authorization: {credentials_file: FILE}` too. Rules worth having,
beside the alerts that `hfptm` sends itself:

```yaml
groups:
  - name: hfptm
    rules:
      - alert: HfptmDown
        expr: hfptm_up == 0 or absent(hfptm_up)
        for: 1m
        annotations:
          summary: Nothing records or trades, or it has fallen silent.
      - alert: HfptmUnwell
        expr: hfptm_healthy == 0
        for: 1m
        annotations:
          summary: The program tells of a problem; its dashboard says which.
      - alert: HfptmFeedSilent
        expr: hfptm_feed_silent_seconds > 60 and hfptm_feed_markets > 20
        annotations:
          summary: No frame of any market for a minute.
      - alert: HfptmFeedLate
        expr: >-
          histogram_quantile(0.99, sum by (le)
          (rate(hfptm_latency_seconds_bucket{step="feed"}[5m]))) > 5
        for: 5m
        annotations:
          summary: The exchange's news takes more than 5 s to us.
      - alert: HfptmDiskFull
        expr: predict_linear(hfptm_feed_free_bytes[6h], 2 * 86400) < 0
        for: 30m
        annotations:
          summary: The disk of the recording is full within two days.
      - alert: HfptmLimitNear
        expr: hfptm_limit_used_ratio{limit=~"daily_loss_limit_usd|max_drawdown_usd"} > 0.8
        annotations:
          summary: 'More than 80 % of {{ $labels.limit }} is lost.'
```

Percentiles of `hfptm_latency_seconds` come from buckets at 1, 2.5 and 5 of each power of ten.

## All of them

| metric | type | labels | what it says |
|---|---|---|---|
"""


def metrics_page() -> str:
    rows = [(UP, "gauge", (), UP_HELP), (LATENCY, "histogram", ("step",), LATENCY_HELP)]
    rows += [(shape.name, shape.kind, shape.labels, shape.help) for shape in METRICS]
    return _HEAD + "".join(
        f"| `{name}` | {kind} | {', '.join(labels)} | {help_} |\n"
        for name, kind, labels, help_ in rows
    )
