"""Each subscriber gets its own frames of a wire file, however they are cut into blocks."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hfptm.errors import InputError
from hfptm.sandbox.market_frames import CUSTOM, EventType
from hfptm.sandbox.outlets import text_frame
from hfptm.sandbox.playback import Playback
from tests.wire_files import Line, written

BOOK, CHANGE = EventType.BOOK, EventType.PRICE_CHANGE

LINES = st.builds(Line, st.sampled_from(["12", "34", "5"]), st.sampled_from(EventType), st.just(0))


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("wire") / "run.jsonl"


def rest(playback: Playback, block: int = 3) -> list[bytes]:
    frames = []
    while (taken := playback.take(block)) is not None:
        frames += taken
    return frames


@given(
    st.lists(LINES, max_size=20),
    st.sets(st.sampled_from("1245")),
    st.booleans(),
    st.integers(1, 25),
)
def test_a_subscriber_gets_what_is_for_it(
    path: Path, lines: list[Line], assets: set[str], is_custom: bool, block: int
) -> None:
    payloads = written(path, lines)
    playback = Playback(path)
    playback.is_custom = is_custom
    playback.add(assets)
    assert rest(playback, block) == [
        text_frame(payload)
        for line, payload in zip(lines, payloads, strict=True)
        if (line.kind is EventType.NEW_MARKET or assets.intersection(line.tokens))
        and (is_custom or line.kind not in CUSTOM)
    ]


def test_an_asset_named_on_the_way_begins_with_its_next_book(path: Path) -> None:
    lines = [Line("12"), Line("34"), Line("34"), Line("12", BOOK), Line("34", BOOK), Line("34")]
    payloads = written(path, lines)
    playback = Playback(path)
    playback.add("1")
    assert playback.take(2) == [text_frame(payloads[0])]
    playback.add("13")
    assert rest(playback) == [text_frame(payloads[n]) for n in (3, 4, 5)]


def test_an_asset_that_is_no_longer_wanted_is_sent_no_more(path: Path) -> None:
    payloads = written(path, [Line("12"), Line("12"), Line("34"), Line("34", BOOK)])
    playback = Playback(path)
    playback.add("13")
    assert playback.take(1) == [text_frame(payloads[0])]
    playback.remove("19")
    assert rest(playback) == [text_frame(payloads[2]), text_frame(payloads[3])]
    late = Playback(path)
    assert late.take(1) == []
    late.add("3")
    late.remove("3")
    assert rest(late) == []


def test_damage_is_said_after_the_frames_before_it(path: Path) -> None:
    payloads = written(path, [Line("12")] * 4)
    path.write_bytes(path.read_bytes()[:-10])
    playback = Playback(path)
    playback.add("1")
    assert playback.take(3) == list(map(text_frame, payloads[:3]))
    with pytest.raises(InputError, match="damaged at line 5: cut short"):
        playback.take(3)
