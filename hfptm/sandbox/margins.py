"""How far the prices of one outcome may go before those of its group together leave an edge.

Source: design, section 6: the relations of a group and what they make worth a dollar.
"""

from collections.abc import Sequence

from hfptm.opportunities import Relation
from hfptm.records import BUY, SELL
from hfptm.sandbox.listings import ListedMarket, Phase
from hfptm.units import PRICE_ONE_E4

MARGIN_E4 = 100
"""How far a group stays away from an edge: its sum of bids below a dollar, and so on."""


class Margins:
    """Over the books of a group as they are, whoever's orders are in them.

    `members` of a NESTED group go from the earliest outcome, which implies the others, to the
    latest. A market of its own has no members, and all of the price range.
    """

    def __init__(self, relation: Relation, members: Sequence[ListedMarket] = ()) -> None:
        self.relation = relation
        self.members = members

    def bid_max_e4(self, listed: ListedMarket) -> int:
        """Highest bid of a member that leaves no edge to those who sell."""
        if self.relation is Relation.NESTED:
            later = self.members[self.members.index(listed) + 1 :]
            asks_e4 = [other.book.published_best_e4(SELL) for other in later]
            return min(asks_e4, default=PRICE_ONE_E4) - (MARGIN_E4 if asks_e4 else 0)
        if self.relation in (Relation.EXACTLY_ONE, Relation.AT_MOST_ONE):
            return PRICE_ONE_E4 - MARGIN_E4 - self._others_e4(listed, BUY)
        return PRICE_ONE_E4

    def ask_min_e4(self, listed: ListedMarket) -> int:
        """Lowest ask of a member that leaves no edge to those who buy."""
        if self.relation is Relation.NESTED:
            earlier = self.members[: self.members.index(listed)]
            bids_e4 = [other.book.published_best_e4(BUY) for other in earlier]
            return max(bids_e4, default=0) + (MARGIN_E4 if bids_e4 else 0)
        if self.relation is Relation.EXACTLY_ONE:
            return PRICE_ONE_E4 + MARGIN_E4 - self._others_e4(listed, SELL)
        return 0

    def _others_e4(self, listed: ListedMarket, side: int) -> int:
        """Sum of the best prices of all other members that may still win."""
        return sum(
            other.book.published_best_e4(side)
            for other in self.members
            if other is not listed and other.phase is not Phase.RESOLVED
        )
