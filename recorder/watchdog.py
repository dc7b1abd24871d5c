"""Which markets are not told of any more, although their connection is up, and what to do about it.

A state machine: what the feed sees goes in once a second, orders come out; nothing is asked and no
clock is read. A market is missed on a connection if

- another connection goes on telling of it and this one does not, or
- this one does not send the book that it owes to a subscription, though there is one, or
- no connection tells of it for longer than is usual, and the exchange has something newer: this is
  to be asked (`take_checks`, `answer`), since most markets are silent and well.
"""

from collections import Counter
from collections.abc import Sequence
from enum import StrEnum

import msgspec

from hfptm.records import GapReason
from hfptm.units import NS_PER_MS, NS_PER_S
from recorder.observations import LinkSight, Order, Sight
from recorder.overview import Overview
from recorder.remedies import Remedies, Wrong
from recorder.rhythm import Rhythms

CHECKS_AT_ONCE = 10
"""Questions a tick: a fifteenth of what the exchange allows (reference, section 3.7)."""

UNSURE_MAX = 3
"""After as many questions in a row whose answers say nothing, a new book is asked for."""

DOUBT_NS_MAX = 3_600 * NS_PER_S


class Patience(msgspec.Struct, frozen=True, kw_only=True):
    """How long something may take before it is wrong."""

    quiet_ns: int = 10 * NS_PER_S
    """A silence beyond the longest usual one, and a book that is owed."""

    @classmethod
    def of(cls, patience_ms: int) -> "Patience":
        return cls(quiet_ns=patience_ms * NS_PER_MS)

    @property
    def behind_ns(self) -> int:
        """What another connection has already; beyond that, lines cannot be merged."""
        return self.quiet_ns // 2

    @property
    def pong_ns(self) -> int:
        """For PONG, which answers a PING every 10 s (reference, section 1.1)."""
        return 2 * self.quiet_ns + 10 * NS_PER_S


class Finding(StrEnum):
    """What the exchange says of a market that is silent."""

    QUIET = "quiet"
    """Nothing that was not received."""
    MISSED = "missed"
    """Something that no connection told of."""
    NO_BOOK = "no_book"
    UNSURE = "unsure"
    """Nothing, or something that may be a ghost (reference, section 1.6)."""
    UNREAD = "unread"
    """Whatever it says: what we received has not been read yet."""


class Watchdog:
    """`tick` it once a second; all times on one monotonic clock."""

    def __init__(self, patience: Patience) -> None:
        self.findings: Counter[Finding] = Counter()
        """Of all checks since the start."""
        self.remedies = Remedies(patience.quiet_ns)
        self._patience = patience
        self._rhythms = Rhythms(patience.quiet_ns)
        self._overview = Overview(self._rhythms.enter)
        self._lacking: dict[tuple[int, int], tuple[int, int]] = {}
        """By connection and market: the news that it lacks, and since when that is known."""
        self._checks: list[int] = []
        self._asked_ns: dict[int, int] = {}
        self._answers: list[tuple[int, Finding]] = []
        self._unsure: Counter[int] = Counter()
        self._doubts: list[int] = []
        self._doubted: dict[int, tuple[int, int]] = {}
        """When it was last heeded, and how long none is heeded then."""
        self._wrong: dict[int, Wrong] = {}
        self._now_ns = 0
        self._blind_until_ns = 0

    def __len__(self) -> int:
        """Markets it knows."""
        return len(self._rhythms)

    def take_checks(self) -> list[int]:
        """Markets to ask the exchange about, since the last time."""
        checks, self._checks = self._checks, []
        return checks

    def answer(self, market: int, finding: Finding) -> None:
        """To a check; heeded at the next tick."""
        self._answers.append((market, finding))

    def doubt(self, market: int) -> None:
        """Its book does not agree with the best prices it is told; heeded at the next tick."""
        self._doubts.append(market)

    def tick(self, now_ns: int, links: Sequence[LinkSight]) -> list[Order]:
        """What is to be done, in turn."""
        was_ns, self._now_ns = self._now_ns, now_ns
        if self._overview.follow(links):
            self._forget_gone(links)
        if was_ns and now_ns - was_ns > self._patience.behind_ns:
            # Who slept has not read yet what came meanwhile.
            self._blind_until_ns = now_ns + self._patience.behind_ns
            self._lacking.clear()
        if now_ns < self._blind_until_ns:
            return []
        self._rhythms.hear(self._overview.last_ns(self._rhythms.size))
        self.remedies.note_healed(links, now_ns)
        self._find_lacking()
        self._find_owed()
        self._find_dead()
        self._heed_answers()
        self._heed_doubts()
        self._choose_checks()
        wrong, self._wrong = self._wrong, {}
        orders = self.remedies.orders(wrong.values(), now_ns)
        for each in wrong.values():
            for market in each.markets:
                self._rhythms.forget_silence(market)
        return orders

    def _forget_gone(self, links: Sequence[LinkSight]) -> None:
        markets = {market for link in links for market in link.markets}
        self._rhythms.leave(self._rhythms.markets() - markets)
        self.remedies.forget_gone(links)
        for state in (self._asked_ns, self._unsure, self._doubted):
            for market in state.keys() - markets:
                del state[market]

    def _note(self, link: LinkSight, market: int, *, is_dead: bool = False) -> None:
        wrong = self._wrong.setdefault(link.connection, Wrong(link))
        wrong.markets[market] = None
        if is_dead:
            wrong.reason = GapReason.SILENCE

    def _find_lacking(self) -> None:
        """What another connection goes on telling of. The book of a subscription is no news."""
        behind_ns = self._patience.behind_ns
        news_ns = self._overview.news_ns(self._rhythms.size, behind_ns)
        lacking: dict[tuple[int, int], tuple[int, int]] = {}
        for link, sight in self._overview.behind(news_ns, behind_ns):
            key = link.connection, sight.market
            marked_ns, since_ns = self._lacking.get(key, (0, 0))
            if sight.last_ns + behind_ns >= marked_ns:
                marked_ns, since_ns = int(news_ns[self._rhythms.enter(sight.market)]), self._now_ns
            if self._now_ns - since_ns > behind_ns:
                is_dead = link.last_data_ns < self._now_ns - behind_ns
                self._note(link, sight.market, is_dead=is_dead)
            lacking[key] = marked_ns, since_ns
        self._lacking = lacking

    def _find_owed(self) -> None:
        for link, sight in self._overview.owed(self._now_ns - self._patience.quiet_ns):
            if any(other.book_ns for _, other in self._overview.of_market(sight.market)):
                self._note(link, sight.market)
            else:
                self._rhythms.look_at(sight.market, self._now_ns)

    def _find_dead(self) -> None:
        for link in self._overview.links:
            if self._now_ns - max(link.since_ns, link.last_pong_ns) > self._patience.pong_ns:
                self._wrong.setdefault(link.connection, Wrong(link)).reason = GapReason.DISCONNECT

    def _heed_answers(self) -> None:
        answers, self._answers = self._answers, []
        for market, finding in answers:
            asked_ns = self._asked_ns.pop(market, None)
            if asked_ns is not None:
                self.findings[finding] += 1
                self._heed_answer(market, finding, asked_ns)

    def _heed_answer(self, market: int, finding: Finding, asked_ns: int) -> None:
        self._unsure[market] += finding is Finding.UNSURE
        if finding is Finding.UNREAD:
            self._rhythms.ask_again(market, self._now_ns)
            return
        if finding is not Finding.UNSURE or self._unsure[market] >= UNSURE_MAX:
            del self._unsure[market]
            self._rhythms.postpone(market, self._now_ns)
        else:
            self._rhythms.ask_again(market, self._now_ns)
            return
        if finding is Finding.NO_BOOK:
            return
        for link, sight in self._overview.of_market(market):
            if self._is_missed(sight, finding, asked_ns):
                is_dead = link.last_data_ns < self._now_ns - self._patience.behind_ns
                self._note(link, market, is_dead=is_dead)

    def _is_missed(self, sight: Sight, finding: Finding, asked_ns: int) -> bool:
        """There is a book, so it is owed; and what is there now has not come either."""
        if not sight.book_ns:
            return self._now_ns - sight.since_ns >= self._patience.quiet_ns
        return finding is not Finding.QUIET and sight.last_ns <= asked_ns

    def _heed_doubts(self) -> None:
        """One connection will do: the lines are merged. Rarely: a doubt may be mistaken."""
        doubts, self._doubts = self._doubts, []
        for market in dict.fromkeys(doubts):
            at_ns, wait_ns = self._doubted.get(market, (0, 0))
            if self._now_ns < at_ns + wait_ns:
                continue
            links = [link for link, _ in self._overview.of_market(market)]
            if links:
                is_old = self._now_ns > at_ns + 4 * wait_ns
                wait_ns = self._patience.quiet_ns if is_old else min(2 * wait_ns, DOUBT_NS_MAX)
                self._doubted[market] = self._now_ns, wait_ns
                self._note(min(links, key=lambda link: link.connection), market)

    def _choose_checks(self) -> None:
        for market in self._rhythms.due(self._now_ns, CHECKS_AT_ONCE):
            self._rhythms.ask(market, self._now_ns)
            self._asked_ns[market] = self._now_ns
            self._checks.append(market)
