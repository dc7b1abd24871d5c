"""Ghost fills: trades that match, and then fail on chain (exchange reference, section 2)."""

from hfptm.sandbox.faults import Active, Faults
from hfptm.sandbox.faults_kinds import GhostFill
from hfptm.sandbox.history import Fate, History, TradeRecord, TradeStatus

_FINAL = (TradeStatus.CONFIRMED, TradeStatus.FAILED)


class TradeFaults:
    """Decides what becomes of trades with an order that came through the API.

    Those of traders within the process alone are confirmed: nobody could see them fail.
    """

    def __init__(self, faults: Faults, history: History) -> None:
        self._faults, self._history = faults, history
        self._failing: dict[str, tuple[Active[GhostFill], int]] = {}

    def fate(self, record: TradeRecord) -> Fate:
        """Asked once for each trade, when it matches."""
        trade = record.trade
        order_ids = (trade.taker_order_id, *(maker.order_id for maker in trade.makers))
        ghosts = self._faults.active(GhostFill)
        if ghosts and any(map(self._history.posting, order_ids)):
            for ghost in ghosts:
                if number := self._faults.hits_next(ghost):
                    self._failing[record.trade_id] = (ghost, number)
                    return Fate.FAILED
        return Fate.CONFIRMED

    def settled(self, record: TradeRecord, status: TradeStatus) -> None:
        """Tell how a trade that was to fail has ended: it stands if it could not be undone."""
        if status in _FINAL and record.trade_id in self._failing:
            ghost, number = self._failing.pop(record.trade_id)
            self._faults.note(ghost, request=number, trade_id=record.trade_id, detail=str(status))
