"""Requests to the CLOB over sockets: when they leave, what comes back, and what is never known."""

import asyncio
import shutil
import socket
import ssl
import subprocess
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
import uvloop

from hfptm import clock
from hfptm.drive import clob as module
from hfptm.drive.clob import WARM, Clob, NoReplyError
from hfptm.venue.account import Account
from tests.unit.test_loop import SECRETS

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-A: b\r\n\r\n[]"
DEADLINE_S = 0.2


@pytest.fixture(autouse=True)
def _none_in_advance(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test knows which connections there are."""
    monkeypatch.setattr(module, "WARM", 0)


class Far:
    """The other end, driven by hand: nothing happens there by itself."""

    def __init__(self, listening: socket.socket) -> None:
        self.listening = listening
        self.url = "http://{}:{}".format(*listening.getsockname())

    async def accept(self) -> socket.socket:
        loop = asyncio.get_running_loop()
        made, _ = await asyncio.wait_for(loop.sock_accept(self.listening), 5)
        made.setblocking(False)
        return made


@contextmanager
def far() -> Iterator[Far]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.setblocking(False)
        yield Far(listening)


async def answered(server: socket.socket, *parts: bytes) -> bytes:
    """Read a request, then send an answer piece by piece."""
    loop = asyncio.get_running_loop()
    request = await asyncio.wait_for(loop.sock_recv(server, 65_536), 5)
    for part in parts:
        await loop.sock_sendall(server, part)
        await asyncio.sleep(0.01)
    return request


def run(use: Callable[[Far, Clob], Awaitable[None]], *, is_uvloop: bool = True) -> None:
    async def work() -> None:
        with far() as other:
            async with Clob(other.url, Account(SECRETS), DEADLINE_S) as clob:
                await use(other, clob)

    factory = uvloop.new_event_loop if is_uvloop else asyncio.new_event_loop
    with asyncio.Runner(loop_factory=factory) as runner:
        runner.run(work())


async def ready(other: Far, clob: Clob) -> socket.socket:
    """A connection that is idle."""
    first = asyncio.create_task(clob.request("GET", "/time"))
    server = await other.accept()
    await answered(server, OK)
    reply = await first
    assert (reply.status, reply.body, reply.headers["x-a"]) == (200, b"[]", "b")
    return server


@pytest.mark.parametrize("is_uvloop", [True, False])
def test_a_request_leaves_in_the_call_that_makes_it(is_uvloop: bool) -> None:
    async def use(other: Far, clob: Clob) -> None:
        with closing(await ready(other, clob)) as server:
            answer = clob.request("POST", "/orders", b"[1]" * 7_000, query={"a": "b c"})
            request = server.recv(65_536)  # the loop has not turned
            head, _, body = request.partition(b"\r\n\r\n")
            assert head.startswith(b"POST /orders?a=b+c HTTP/1.1\r\n")
            assert b"Content-Length: 21000" in head
            assert b"POLY_SIGNATURE: " in head
            assert body == b"[1]" * 7_000
            server.sendall(OK)
            assert (await answer).body == b"[]"

    run(use, is_uvloop=is_uvloop)


@pytest.mark.parametrize(
    ("parts", "body"),
    [
        (
            (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n", b"0\r\n\r\n"),
            b"abc",
        ),
        ((OK[:9], OK[9:20], OK[20:-1], OK[-1:]), b"[]"),
        ((b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + OK,), b"[]"),
        ((b"HTTP/1.1 204 No Content\r\n\r\n",), b""),
    ],
)
def test_answers_of_every_shape(parts: tuple[bytes, ...], body: bytes) -> None:
    async def use(other: Far, clob: Clob) -> None:
        with closing(await ready(other, clob)) as server:
            for _ in range(2):
                asked = asyncio.create_task(clob.request("GET", "/a"))
                await answered(server, *parts)
                assert (await asked).body == body

    run(use)


@pytest.mark.parametrize("answer", [b"", b"SMTP\r\n\r\n", OK[:-1]])
def test_what_is_not_answered_may_have_arrived(answer: bytes) -> None:
    async def use(other: Far, clob: Clob) -> None:
        server = await ready(other, clob)
        asked = asyncio.create_task(clob.request("GET", "/a"))
        await answered(server, answer)
        server.close()
        with pytest.raises(NoReplyError, match="no answer") as caught:
            await asked
        assert caught.value.is_sent

    run(use)


def test_an_answer_that_comes_too_late_is_nobodys() -> None:
    async def use(other: Far, clob: Clob) -> None:
        with closing(await ready(other, clob)) as server:
            with pytest.raises(NoReplyError) as caught:
                await clob.request("GET", "/a")
            assert caught.value.is_sent
            late = asyncio.create_task(clob.request("GET", "/b"))
            with closing(await other.accept()) as second:
                await answered(second, OK)
                assert (await late).status == 200
            assert b"/b" not in server.recv(65_536)
            assert server.recv(1) == b"", "it is closed"

    run(use)


def test_without_a_connection_nothing_was_sent() -> None:
    async def use(other: Far, clob: Clob) -> None:
        other.listening.close()
        with pytest.raises(NoReplyError, match="no connection") as caught:
            await clob.request("GET", "/a")
        assert not caught.value.is_sent

    run(use)


def test_what_was_held_up_for_its_deadline_is_not_sent() -> None:
    """No connection was there; and then the whole process stood still."""

    async def use(other: Far, clob: Clob) -> None:
        asked = clob.request("POST", "/orders", b"[]")
        threading.Event().wait(DEADLINE_S)
        with pytest.raises(NoReplyError, match="no connection") as caught:
            await asked
        assert not caught.value.is_sent
        with closing(await other.accept()) as server:
            received = asyncio.get_running_loop().sock_recv(server, 1)
            assert await asyncio.wait_for(received, 5) == b""

    run(use)


@pytest.mark.parametrize("way", ["closed", "announced", "unasked", "old"])
def test_a_connection_that_is_over_is_not_used_again(
    way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def use(other: Far, clob: Clob) -> None:
        with closing(await ready(other, clob)) as server:
            if way == "closed":
                server.close()
            elif way == "unasked":
                server.sendall(b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n")
            elif way == "announced":
                asked = asyncio.create_task(clob.request("GET", "/a"))
                await answered(server, OK.replace(b"X-A: b", b"Connection: close"))
                await asked
            else:
                monkeypatch.setattr(module, "KEPT_NS", -clock.NS_MAX)
            await asyncio.sleep(0.05)
            asked = asyncio.create_task(clob.request("GET", "/b"))
            with closing(await other.accept()) as second:
                await answered(second, OK)
                assert (await asked).status == 200

    run(use)


@pytest.fixture
def certified(tmp_path: Path) -> ssl.SSLContext:
    """Of a server called localhost, signed by itself; in `cert.pem`."""
    if shutil.which("openssl") is None:
        pytest.skip("needs the command openssl")
    files = ("-out", tmp_path / "cert.pem", "-keyout", tmp_path / "key.pem")
    made = ("openssl", "req", "-x509", "-nodes", "-newkey", "rsa:2048", "-subj", "/CN=localhost")
    named = ("-addext", "subjectAltName=DNS:localhost", "-days", "2")
    subprocess.run([*made, *named, *files], check=True, capture_output=True)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(tmp_path / "cert.pem", tmp_path / "key.pem")
    return context


@pytest.mark.parametrize("is_trusted", [True, False])
def test_over_tls_to_nobody_but_the_host_itself(
    is_trusted: bool, certified: ssl.SSLContext, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.read(65_536):
            writer.write(OK)
        writer.close()

    async def work() -> None:
        server = await asyncio.start_server(serve, "localhost", 0, ssl=certified)
        url = f"https://localhost:{server.sockets[0].getsockname()[1]}"
        async with server:
            async with Clob(url, Account(SECRETS), 2.0) as clob:
                if is_trusted:
                    assert [(await clob.request("GET", "/")).status for _ in range(2)] == [200, 200]
                    return
                with pytest.raises(NoReplyError, match=r"no connection .*certificate") as caught:
                    await clob.request("GET", "/")
                assert not caught.value.is_sent
            await asyncio.sleep(0.05)

    if is_trusted:
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "cert.pem"))
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(work())


def test_connections_are_open_before_they_are_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "WARM", WARM)

    async def use(other: Far, clob: Clob) -> None:
        servers = [await ready(other, clob)]
        servers += [await other.accept() for _ in range(WARM - 1)]
        await asyncio.sleep(0.05)
        tasks = [asyncio.create_task(clob.request("GET", f"/{n}")) for n in range(WARM)]
        await asyncio.sleep(0.02)
        for server in servers:
            assert server.recv(65_536)
        servers[0].sendall(OK)
        servers += [await other.accept() for _ in range(WARM - 1)]  # three of four are busy
        for server in servers[1:WARM]:
            server.sendall(OK)
        assert [reply.status for reply in await asyncio.gather(*tasks)] == [200] * WARM
        for server in servers:
            server.close()

    run(use)
