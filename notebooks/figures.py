"""Every figure, for notebooks and the report: functions of a catalog connection and ids."""

from notebooks.figures_capture import capture_curve, lifetimes, nearest_set, taken_by
from notebooks.figures_coverage import GradedHour, coverage, graded_hours
from notebooks.figures_lake import busiest_markets, recorded_hours, spreads
from notebooks.figures_opportunities import opportunities_by
from notebooks.figures_opportunity import events_around, ladders, set_cost
from notebooks.figures_quality import doubts, lags, unseen
from notebooks.figures_run import answer_times, result_parts
from notebooks.figures_settings import heat_map, profile, sensitivity, swept_keys
from notebooks.figures_sides import order_ends, plan_pairs
from notebooks.figures_sweep import (
    best_set,
    best_sets,
    distribution,
    result_by_day,
    result_by_event,
    walk_forward,
)
from notebooks.opportunities import of_run, of_set
from notebooks.sights import largest, sight
from notebooks.summaries import summary_of

__all__ = [
    "GradedHour",
    "answer_times",
    "best_set",
    "best_sets",
    "busiest_markets",
    "capture_curve",
    "coverage",
    "distribution",
    "doubts",
    "events_around",
    "graded_hours",
    "heat_map",
    "ladders",
    "lags",
    "largest",
    "lifetimes",
    "nearest_set",
    "of_run",
    "of_set",
    "opportunities_by",
    "order_ends",
    "plan_pairs",
    "profile",
    "recorded_hours",
    "result_by_day",
    "result_by_event",
    "result_parts",
    "sensitivity",
    "set_cost",
    "sight",
    "spreads",
    "summary_of",
    "swept_keys",
    "taken_by",
    "unseen",
    "walk_forward",
]
