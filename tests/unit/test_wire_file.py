"""A wire file gives back what was written, and says where it is damaged."""

from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hfptm.errors import InputError
from hfptm.sandbox.market_frames import EventType, Published
from hfptm.sandbox.wire_file import WireWriter, read_header, read_wire

FRAME = b'{"market":"0x", "price_changes":[{"size":"0"}], "timestamp":"1"}'
MARKET = 77

PUBLISHED = st.builds(
    Published,
    number=st.just(0),
    ts_ms=st.just(0),
    market=st.sampled_from([0, MARKET, 2**63 - 1]),
    event_type=st.sampled_from(EventType),
    assets=st.lists(st.text("0123456789", min_size=1), max_size=2).map(tuple),
    payload=st.sampled_from([FRAME, b"[]", b'[{"a":"\\n\xc3\xa4"}, 1]', b'{ "b" : 2 }']),
    is_custom=st.booleans(),
    is_exchange_wide=st.booleans(),
)


def written(path: Path, sent: list[Published]) -> Path:
    with closing(WireWriter(path, seed=7)) as writer:
        for ts_ns, frame in enumerate(sent):
            writer.write(ts_ns, [frame])
    return path


def plain(count: int) -> list[Published]:
    kind = EventType.PRICE_CHANGE
    return [Published(0, 0, MARKET, kind, ("1", "2"), FRAME, False, False)] * count


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("wire")


@given(st.lists(PUBLISHED, max_size=20))
def test_frames_come_back_verbatim_and_in_order(folder: Path, sent: list[Published]) -> None:
    path = written(folder / "any.jsonl", sent)
    assert read_header(path).seed == 7
    read = list(read_wire(path))
    assert [frame.n for frame in read] == list(range(1, len(sent) + 1))
    assert [frame.ts_ns for frame in read] == list(range(len(sent)))
    assert [
        (frame.market, tuple(frame.assets), bytes(frame.frame), frame.is_custom) for frame in read
    ] == [
        (one.market, () if one.is_exchange_wide else one.assets, one.payload, one.is_custom)
        for one in sent
    ]


def test_every_line_is_json_by_itself(tmp_path: Path) -> None:
    lines = written(tmp_path / "wire.jsonl", plain(1)).read_bytes().splitlines()
    assert lines[0] == b'{"format":"hfptm-wire","version":1,"seed":7}'
    assert lines[1] == (
        b'{"n":1,"ts_ns":0,"market":77,"assets":["1","2"],"is_custom":false,"frame":%b}' % FRAME
    )


@given(st.data())
def test_a_cut_file_gives_its_whole_lines_and_names_the_next(
    folder: Path, data: st.DataObject
) -> None:
    content = written(folder / "whole.jsonl", plain(3)).read_bytes()
    header_bytes = content.index(b"\n") + 1
    at_byte = data.draw(st.integers(header_bytes, len(content) - 1))
    cut = folder / "cut.jsonl"
    cut.write_bytes(content[:at_byte])
    whole = content[:at_byte].count(b"\n") - 1
    frames = read_wire(cut)
    assert [next(frames).n for _ in range(whole)] == list(range(1, whole + 1))
    if content[:at_byte].endswith(b"\n"):
        assert list(frames) == []
    elif content[at_byte : at_byte + 1] == b"\n":
        assert next(frames).n == whole + 1  # nothing but the line's end is missing
    else:
        with pytest.raises(InputError, match=f"damaged at line {whole + 2}: cut short; keep the"):
            next(frames)


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        (b'{"n":2', b'{"n":3', "line 3: frame 3 at 1 ns after 1 at 0 ns"),
        (b'{"n":3,"ts_ns":2', b'{"n":3,"ts_ns":0', "line 4: frame 3 at 0 ns after 2 at 1 ns"),
        (b'{"n":2,', b'{"n":"2",', "line 3: Expected `int`, got `str`"),
        (b'{"n":2,', b'"n":2,', "line 3: "),
        (b'"assets":["1"', b'"assets":["\xff"', "line 2: "),
    ],
)
def test_damage_is_named(tmp_path: Path, old: bytes, new: bytes, problem: str) -> None:
    path = written(tmp_path / "wire.jsonl", plain(3))
    path.write_bytes(path.read_bytes().replace(old, new, 1))
    with pytest.raises(InputError, match=problem):
        list(read_wire(path))


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "no wire file"),
        (b"\x1f\x8b\x08", "no wire file"),
        (b'{"n":1}\n', "no wire file"),
        (b'{"format":"hfptm-wire","version":2,"seed":7}\n', "hfptm-wire 2, expected hfptm-wire 1"),
        (b'{"format":"other","version":1,"seed":7}\n', "other 1, expected hfptm-wire 1"),
    ],
)
def test_other_files_are_refused(tmp_path: Path, content: bytes, problem: str) -> None:
    path = tmp_path / "other"
    path.write_bytes(content)
    with pytest.raises(InputError, match=problem):
        next(read_wire(path))


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="No such file"):
        read_header(tmp_path / "none")
