"""Every displayed opportunity of a pass as one row, whichever lane saw it.

Journal rows come a block at a time and are kept as they are; what they say is put together once, by
polars, at the end: no step of it is a loop over rows.
"""

import numpy as np
import numpy.typing as npt
import polars as pl

from hfptm.engine import Output
from hfptm.opportunities import DECISION, OUTCOME, Artefact, Phase, Reason
from hfptm.records import INTENT, LANE_SHIFT, IntentKind

Rows = npt.NDArray[np.void]

_SERIAL = (1 << LANE_SHIFT) - 1
_KEYS = ("lane", "decision")
_DECIDED = (
    *(*_KEYS, "ts_ns", "market", "plan", "size_e6", "outlay_e6", "edge_e6"),
    *("kind", "phase", "reason", "artefact"),
)


class OpportunityRows:
    """`add` every output of the pass; `displayed` and `legs` then tell of all of them.

    Memory grows with what was seen, not with the tape.
    """

    def __init__(self) -> None:
        self._decisions: list[Rows] = []
        self._outcomes: list[Rows] = []
        self._looks: list[Rows] = []

    def add(self, output: Output) -> None:
        self._decisions.append(output.decisions[output.decisions["phase"] != Phase.ORDER])
        self._outcomes.append(output.outcomes)
        looks = output.intents[output.intents["kind"] == IntentKind.OBSERVE]
        self._looks.append(looks)

    def displayed(self) -> pl.DataFrame:
        """A row each lane and displayed opportunity, in order of both.

        Columns as `sweep_files.OPPORTUNITIES` has them, but for what only the lake can say, and
        `lane` for its set; `end_reason` is the Reason of its end, 0 while it is open. What was
        measured of none counts as unseen.
        """
        episodes = _episodes(_frame(self._decisions, DECISION, _DECIDED))
        found = ("arrived", "printed", "unseen", "edge_e6")
        outcomes = _frame(self._outcomes, OUTCOME, (*_KEYS, *found))
        rows = episodes.join(outcomes.rename({"edge_e6": "arrived_e6"}), on=_KEYS, how="left")
        rows = rows.with_columns(
            pl.col("unseen").fill_null(1),
            pl.col("arrived", "printed").fill_null(0),
            arrived_e6=pl.when(pl.col("arrived") == 1).then("arrived_e6").otherwise(0),
        )
        # A plan's id carries no lane.
        serial = pl.col("decision") & _SERIAL
        return rows.with_columns(decision=serial).sort(_KEYS)

    def legs(self) -> pl.DataFrame:
        """What each displayed opportunity would buy: lane, decision, market, token, one a leg."""
        frame = _frame(self._looks, INTENT, ("lane", "order", "market", "token"))
        return frame.select(
            "lane", (pl.col("order") & _SERIAL).alias("decision"), "market", "token"
        )


def _frame(blocks: list[Rows], dtype: np.dtype[np.void], columns: tuple[str, ...]) -> pl.DataFrame:
    rows = np.concatenate([np.zeros(0, dtype), *blocks])
    return pl.DataFrame({name: np.ascontiguousarray(rows[name]) for name in columns})


def _episodes(decisions: pl.DataFrame) -> pl.DataFrame:
    """As `episodes.Episode` puts them together: those that were displayed on good books."""
    is_end = pl.col("phase") == int(Phase.END)
    is_shown = pl.col("size_e6") > 0
    shown = {"size_e6": "displayed_size_e6", "edge_e6": "displayed_e6"}
    shown["outlay_e6"] = "displayed_outlay_e6"
    episodes = decisions.group_by(_KEYS, maintain_order=True).agg(
        pl.col("ts_ns").first().alias("begin_ns"),
        pl.col("ts_ns").filter(is_shown).first().alias("displayed_ns"),
        pl.col("ts_ns").filter(is_end).first().fill_null(0).alias("end_ns"),
        pl.col("kind", "market").first(),
        *(pl.col(name).filter(is_shown).first().alias(alias) for name, alias in shown.items()),
        pl.col("reason").filter(is_shown).last(),
        pl.col("reason").filter(is_end).first().fill_null(0).alias("end_reason"),
        pl.col("artefact").filter(~is_end).last(),
        pl.col("plan").max(),
    )
    is_real = (pl.col("artefact") == int(Artefact.NONE)) & (
        pl.col("end_reason") != int(Reason.CONFIRMED)
    )
    return episodes.filter(pl.col("displayed_ns").is_not_null() & is_real).drop("artefact")
