"""Wire files to play, made of few words: who a frame is for, and what is in it."""

from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from hfptm.sandbox.market_frames import CUSTOM, EventType, Published
from hfptm.sandbox.wire_file import WireWriter


class Line(NamedTuple):
    """A frame of the market "12", whose tokens are "1" and "2", and so on."""

    tokens: str
    kind: EventType = EventType.PRICE_CHANGE
    padding: int = 0

    def payload(self, number: int) -> bytes:
        padding = self.padding * "x"
        text = f'{{"n":{number}, "question":"{padding}","event_type":"{self.kind}"}}'
        return text.encode()


def written(path: Path, lines: Iterable[Line]) -> list[bytes]:
    """Write the file; the payloads in it."""
    payloads = []
    with closing(WireWriter(path, seed=7)) as writer:
        for number, line in enumerate(lines, 1):
            payloads.append(line.payload(number))
            everybody = line.kind is EventType.NEW_MARKET
            writer.write(
                number,
                [
                    Published(
                        number=number,
                        ts_ms=number,
                        market=int(line.tokens),
                        event_type=line.kind,
                        assets=tuple(line.tokens),
                        payload=payloads[-1],
                        is_custom=line.kind in CUSTOM,
                        is_exchange_wide=everybody,
                    )
                ],
            )
    return payloads
