"""Counts the frames of the market channel that actions become, without printing any."""

from hfptm.records import BUY, SELL
from hfptm.sandbox.history import TradeRecord
from hfptm.sandbox.listings import ListedMarket, Phase
from hfptm.sandbox.reports import Action
from hfptm.sandbox.sandbox import Sandbox
from hfptm.units import NO_ASK_E4, NO_BID_E4

_EMPTY_E4 = (NO_BID_E4, NO_ASK_E4)


class FrameMeter:
    """Listens to a sandbox from now on; `frames` are those for subscribers of everything.

    As `market_frames` prints them: one for each level, one for each trade, both books after trades,
    both best prices when they moved. Changes of a market itself are too rare to count.
    """

    def __init__(self, sandbox: Sandbox) -> None:
        self.frames = 0
        self._markets = sandbox.exchange.markets
        self._best_e4 = {m.market.market: _best_e4(m) for m in self._markets.all()}
        sandbox.listeners.append(self._on_action)

    def _on_action(self, action: Action, records: list[TradeRecord]) -> None:
        listed = self._markets[action.market]
        self.frames += len(action.levels) + len(records) + (2 if records else 0)
        best_e4 = _best_e4(listed)
        if self._best_e4.get(action.market, _EMPTY_E4) != best_e4:
            self._best_e4[action.market] = best_e4
            self.frames += 2
        if listed.phase is Phase.RESOLVED:
            self._best_e4.pop(action.market, None)


def _best_e4(listed: ListedMarket) -> tuple[int, int]:
    return listed.book.published_best_e4(BUY), listed.book.published_best_e4(SELL)
