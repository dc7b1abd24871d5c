"""GETs that are asked again: over real sockets, with waits that are watched instead of slept."""

import asyncio
from collections.abc import Callable

import numpy as np
import pytest

from hfptm.errors import VenueError
from recorder import rest
from recorder.rest import Rest
from tests.gamma_server import Answer, ScriptedServer, ok


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rest, "FIRST_WAIT_S", 0.001)


def ask(answer: Callable[[int, str], Answer]) -> tuple[bytes | None, list[str], int]:
    """(the body, what was asked, how many times again)."""

    async def run() -> tuple[bytes | None, list[str], int]:
        async with ScriptedServer(answer) as server:
            async with Rest(server.url, "server.x_url", np.random.default_rng(1)) as client:
                body = await client.get("/path", (("slug", "a b"), ("slug", "c")))
            return body, server.asked, client.retries

    return asyncio.run(run())


def test_a_reply_and_its_query() -> None:
    assert ask(lambda _n, _path: ok(b"x")) == (b"x", ["/path?slug=a+b&slug=c"], 0)


def test_404_is_an_answer() -> None:
    assert ask(lambda _n, _path: (404, b"{}", {}))[0] is None


@pytest.mark.parametrize("status", [0, 408, 425, 429, 500, 502, 503, 504])
def test_what_may_pass_is_asked_again(status: int) -> None:
    body, asked, retries = ask(lambda n, _path: (status, b"", {}) if n < 3 else ok(b"x"))
    assert (body, len(asked), retries) == (b"x", 4, 3)


def test_after_some_tries_it_is_one_clear_error() -> None:
    with pytest.raises(VenueError, match=r"/path: answered 503 \(down\); check the .*server.x_url"):
        ask(lambda _n, _path: (503, b"down", {}))


@pytest.mark.parametrize("status", [301, 400, 403, 422])
def test_what_does_not_pass_is_not_asked_again(status: int) -> None:
    asked: list[int] = []

    def answer(number: int, _path: str) -> Answer:
        asked.append(number)
        return status, b"no", {}

    with pytest.raises(VenueError, match=f"answered {status}"):
        ask(answer)
    assert asked == [0]


def test_nobody_there_is_one_clear_error() -> None:
    async def run() -> None:
        async with ScriptedServer(lambda _n, _path: ok(b"")) as server:
            url = server.url
        async with Rest(url, "server.x_url", np.random.default_rng(1)) as client:
            await client.get("/path")

    with pytest.raises(VenueError, match="no answer") as caught:
        asyncio.run(run())
    assert (caught.value.exit_code, caught.value.setting) == (5, "server.x_url")


def test_waits_double_within_bounds_and_differ(monkeypatch: pytest.MonkeyPatch) -> None:
    waits_s: list[float] = []

    async def note(wait_s: float) -> None:
        waits_s.append(wait_s)

    monkeypatch.setattr("asyncio.sleep", note)
    monkeypatch.setattr(rest, "FIRST_WAIT_S", 8.0)
    with pytest.raises(VenueError):
        ask(lambda _n, _path: (500, b"", {}))
    assert len(waits_s) == rest.TRIES - 1
    for wait_s, longest_s in zip(waits_s, (8, 16, 30, 30, 30), strict=True):
        assert longest_s / 2 <= wait_s <= longest_s
    assert len(set(waits_s)) == len(waits_s)


@pytest.mark.parametrize(
    ("said", "least_s", "most_s"), [("7", 7, 7), ("x", 0, 1), ("9999", 30, 30)]
)
def test_the_exchange_may_ask_for_a_longer_wait(
    monkeypatch: pytest.MonkeyPatch, said: str, least_s: float, most_s: float
) -> None:
    waits_s: list[float] = []

    async def note(wait_s: float) -> None:
        waits_s.append(wait_s)

    monkeypatch.setattr("asyncio.sleep", note)
    ask(lambda n, _path: (429, b"", {"retry-after": said}) if n == 0 else ok(b"x"))
    assert len(waits_s) == 1
    assert least_s <= waits_s[0] <= most_s
