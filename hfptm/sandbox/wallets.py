"""Whose wallet is whose.

The real exchange computes a proxy's, Safe's or deposit wallet's address from its owner's; the
sandbox is told instead. Source: exchange reference, section 4.3.
"""

from hfptm.venue.signing import SignatureType, checksum


class Wallets:
    """Owners are externally owned accounts; each is its own wallet of type EOA."""

    def __init__(self) -> None:
        self._by_owner: dict[str, dict[SignatureType, str]] = {}

    def register(self, owner: str, kind: SignatureType, wallet: str) -> None:
        """Give an owner its wallet of a kind. Raises ValueError for bad addresses and for EOA."""
        if kind is SignatureType.EOA:
            raise ValueError("an account is its own wallet: nothing to register")
        self._by_owner.setdefault(checksum(owner), {})[kind] = checksum(wallet)

    def of(self, owner: str, kind: SignatureType) -> str | None:
        """Checksummed address of an owner's wallet of a kind, None if it has none."""
        if kind is SignatureType.EOA:
            return owner
        return self._by_owner.get(owner, {}).get(kind)

    def all_of(self, owner: str) -> list[str]:
        """Every wallet of an owner, itself first."""
        return [owner, *self._by_owner.get(owner, {}).values()]
