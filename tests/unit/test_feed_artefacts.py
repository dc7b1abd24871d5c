"""Frames that a feed spoils by itself, and all others untouched."""

from itertools import chain

from hypothesis import given
from hypothesis import strategies as st

from hfptm.clock import NS_MAX
from hfptm.sandbox.feed_artefacts import FeedArtefacts
from hfptm.sandbox.market_frames import EventType, Published

ADDED, REMOVED = b'{"size":"10"}', b'{"size":"0"}'
CHANGE, BOOK = EventType.PRICE_CHANGE, EventType.BOOK


class Feed:
    """What was sent, batch by batch, by the frames' times: each is printed at its own."""

    def __init__(self) -> None:
        self.artefacts = FeedArtefacts()
        self.sent: list[list[int]] = []
        self.printed = 0
        self.artefacts.listeners.append(self._on_batch)

    def _on_batch(self, batch: list[Published]) -> None:
        numbered = sum(map(len, self.sent)) + 1
        assert [frame.number for frame in batch] == list(range(numbered, numbered + len(batch)))
        self.sent.append([frame.ts_ms for frame in batch])

    def batch(self, market: int, *frames: tuple[EventType, bytes]) -> None:
        batch = []
        for event_type, payload in frames:
            self.printed += 1
            batch.append(
                Published(
                    self.printed, self.printed, market, event_type, ("1",), payload, False, False
                )
            )
        self.artefacts.receive(batch)


JUMP = ((CHANGE, REMOVED), (CHANGE, ADDED), (CHANGE, REMOVED), (BOOK, b"{}"), (BOOK, ADDED))


@given(st.lists(st.tuples(st.integers(1, 3), st.integers(1, 5)), max_size=20))
def test_what_nobody_spoils_passes_at_once(batches: list[tuple[int, int]]) -> None:
    feed = Feed()
    for number, (market, frames) in enumerate(batches):
        feed.batch(market, *JUMP[:frames])
        assert len(feed.sent) == number + 1
    assert list(chain(*feed.sent)) == list(range(1, feed.printed + 1))


def test_half_a_batch_is_sent_and_the_rest_later() -> None:
    feed = Feed()
    with feed.artefacts.half_batch(7, until_ns=50):
        feed.batch(8, *JUMP)
        feed.batch(7, *JUMP)
    assert feed.sent == [[1, 2, 3, 4, 5], [7]]
    assert feed.artefacts.due_ns == 50
    feed.batch(7, (CHANGE, ADDED))
    feed.batch(8, (CHANGE, ADDED))
    assert feed.sent[2:] == [[12]]
    feed.artefacts.act(50)
    assert feed.sent[3:] == [[6, 8, 9, 10], [11]]
    assert feed.artefacts.due_ns == NS_MAX
    feed.batch(7, *JUMP)
    assert feed.sent[-1] == [13, 14, 15, 16, 17]


def test_two_markets_may_be_held_at_once() -> None:
    feed = Feed()
    for market, until_ns in ((7, 60), (8, 50)):
        with feed.artefacts.half_batch(market, until_ns):
            feed.batch(market, *JUMP[:2])
    assert feed.artefacts.due_ns == 50
    feed.artefacts.act(50)
    assert (feed.sent[2:], feed.artefacts.due_ns) == ([[3]], 60)
    feed.artefacts.act(60)
    assert (feed.sent[3:], feed.artefacts.due_ns) == ([[1]], NS_MAX)


def test_lost_removals_never_come() -> None:
    feed = Feed()
    with feed.artefacts.lost_delta(7):
        feed.batch(7, *JUMP)
        feed.batch(7, (CHANGE, REMOVED))
        feed.batch(8, (CHANGE, REMOVED))
    feed.batch(7, (CHANGE, REMOVED))
    assert feed.sent == [[2], [7], [8]]
    assert feed.artefacts.due_ns == NS_MAX
