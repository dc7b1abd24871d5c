"""Counts the frames of the market channel that actions become, without printing any."""

from hfptm.records import BUY, SELL
from hfptm.sandbox.history import TradeRecord
from hfptm.sandbox.listings import Phase
from hfptm.sandbox.reports import Action
from hfptm.sandbox.sandbox import Sandbox


class FrameMeter:
    """Listens to a sandbox from now on; `frames` are those for subscribers of everything.

    As `market_frames` prints them: one for each level, one for each trade, both books after trades,
    both best prices when they moved. Changes of a market itself are too rare to count.
    """

    def __init__(self, sandbox: Sandbox) -> None:
        self.frames = 0
        self._markets = sandbox.exchange.markets
        self._best_e4: dict[int, tuple[int, int]] = {}
        sandbox.listeners.append(self._on_action)

    def _on_action(self, action: Action, records: list[TradeRecord]) -> None:
        if not (action.levels or records):
            return
        listed = self._markets[action.market]
        self.frames += len(action.levels) + len(records) + (2 if records else 0)
        best_e4 = listed.book.published_best_e4(BUY), listed.book.published_best_e4(SELL)
        if self._best_e4.get(action.market) != best_e4:
            self._best_e4[action.market] = best_e4
            self.frames += 2
        if listed.phase in (Phase.CLOSED, Phase.RESOLVED):
            self._best_e4.pop(action.market, None)
