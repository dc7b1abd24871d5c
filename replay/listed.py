"""What a run that kept its inputs knew of markets: names for what its rows only number."""

from pathlib import Path
from typing import NamedTuple, Self

from hfptm.drive.inputs import read_inputs, read_start
from hfptm.registry import Group, Market


class Listed(NamedTuple):
    """By lake id, as they were listed first."""

    markets: dict[int, Market]
    groups: dict[int, Group]

    @classmethod
    def of_run(cls, folder: Path) -> Self:
        """Raises LakeError for a run that kept no inputs, or whose inputs are damaged."""
        held = read_start(folder).portfolio
        markets, groups = [*held.markets], [*held.groups]
        for listing, _ in read_inputs(folder):
            markets += listing.markets
            groups += listing.groups
        return cls(
            {market.market: market for market in reversed(markets)},
            {group.group: group for group in reversed(groups)},
        )

    def slug(self, subject: int) -> str:
        """Of a market or a group; empty for a row that is of neither."""
        named = self.markets.get(subject) or self.groups.get(subject)
        return named.slug if named else ""

    def together(self, subject: int) -> set[int]:
        """A market with those of its group, or those of a group."""
        market = self.markets.get(subject)
        group = market.group if market else subject
        if group not in self.groups:
            return {subject}
        return {subject} | {each.market for each in self.markets.values() if each.group == group}
