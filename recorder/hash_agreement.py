"""The exchange's book hashes against every connection's own frames."""

from collections.abc import Iterable

from hfptm.certificate import Findings
from hfptm.raw import RawKind
from hfptm.registry import Market
from hfptm.venue.book_hash import HashCheck, HashChecker, Verdict

_FRAME, _REST, _LINK_UP = int(RawKind.FRAME), int(RawKind.REST), int(RawKind.LINK_UP)


class HashAgreement:
    """`receive` raw rows in order; counts go to each market's findings."""

    def __init__(self, markets: Iterable[Market]) -> None:
        self._blank = HashChecker(markets)
        self._checkers: dict[int, HashChecker] = {}

    def receive(
        self, connection: int, kind: int, payload: bytes, findings: dict[int, Findings]
    ) -> None:
        checker = self._checkers.get(connection)
        if kind == RawKind.START:
            for other in self._checkers.values():
                _count(other.disconnect(), findings)
            self._checkers.clear()
        elif checker is None:
            # A REST reply on no connection says nothing of what the connections saw.
            if kind in (_LINK_UP, _FRAME):
                self._checkers[connection] = self._blank.of_other_line()
                self.receive(connection, kind, payload, findings)
        elif kind in (_FRAME, _REST):
            _count(checker.receive(payload), findings)
        else:
            _count(checker.disconnect(), findings)
            if kind == RawKind.LINK_DOWN:
                del self._checkers[connection]


def _count(checks: Iterable[HashCheck], findings: dict[int, Findings]) -> None:
    for check in checks:
        found = findings.setdefault(check.market, Findings())
        found.hashes_ok += check.verdict is Verdict.OK
        found.hashes_bad += check.verdict is Verdict.BAD
        found.hashes_unknown += check.verdict is Verdict.UNKNOWN
