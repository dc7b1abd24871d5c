"""Whoever should not: other sites, other names, wrong tokens, tricks with paths, odd HTTP."""

import asyncio
import itertools
from collections.abc import Iterator

import httpx
import pytest

from hfptm.clock import monotonic_ns
from hfptm.dash.access import WRONG_MAX, WRONG_S
from hfptm.dash.guard import BODY_BYTES_MAX, HEADERS
from hfptm.drive.kill_switch import reason_of
from hfptm.units import NS_PER_S
from tests.dashboards import TOKEN, Served, dashboard

READ = (
    *("/", "/login", "/static/login.html", "/state", "/history", "/events", "/book?market=1"),
    *("/markets?search=x", "/trades", "/alerts", "/metrics", "/health", "/kill-token"),
)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Without a configured token."""
    with dashboard(tmp_path_factory.mktemp("served") / "data") as served:
        served.tell(age_ns=-3_600 * NS_PER_S)  # it stays well
        served.wait()
        yield served


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with dashboard(tmp_path_factory.mktemp("guarded") / "data", TOKEN) as served:
        served.tell(age_ns=-3_600 * NS_PER_S)  # it stays well
        served.wait()
        yield served


def get(path: str, *lines: str, method: str = "GET") -> bytes:
    head = (f"{method} {path} HTTP/1.1", "Host: localhost", *lines, "Connection: close")
    return "\r\n".join((*head, "", "")).encode("latin-1")


def status_of(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1]) if answer else 0


@pytest.mark.parametrize(
    ("host", "status"),
    [
        *(("localhost", 200), ("LOCALHOST:3000", 200), ("127.0.0.1:1", 200), ("[::1]:3000", 200)),
        *(("127.0.0.53", 200), ("evil.example", 403), ("localhost.evil.example", 403)),
        *(("127.0.0.1.evil.example", 403), ("127.0.0.1@evil.example", 403), ("localhost:x", 403)),
        *(("10.0.0.1", 403), ("", 403), ("[::2]", 403), ("0.0.0.0:3000", 403)),
    ],
)
def test_a_name_that_was_made_to_lead_here_is_refused(
    served: Served, host: str, status: int
) -> None:
    asked = f"GET /state HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
    assert status_of(served.raw(asked.encode())) == status


def test_without_any_name_it_is_refused(served: Served) -> None:
    assert status_of(served.raw(b"GET /state HTTP/1.0\r\n\r\n")) == 403
    assert status_of(served.raw(b"GET /state HTTP/1.1\r\n\r\n")) == 400
    two = b"GET /state HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n"
    assert status_of(served.raw(two)) == 400


@pytest.mark.parametrize(
    "foreign",
    [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": "http://["},
        {"origin": ""},
        {"origin": "http://localhost"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"},
        {"sec-fetch-site": "anything"},
    ],
)
def test_another_site_neither_kills_nor_logs_in(
    served: Served, guarded: Served, foreign: dict[str, str]
) -> None:
    """Though it has every token: only what its browser says of it is in its way."""
    for here, token in ((served, served.access.kill_token), (guarded, TOKEN)):
        with here.client(authorization=f"Bearer {token}", **foreign) as client:
            reply = client.post("/kill", json={"reason": "theirs"})
            assert (reply.status_code, reply.json()["error"]) == (403, "not from another site")
            assert client.post("/login", data={"token": TOKEN}).status_code == 403
        assert reason_of(here.data) is None


def test_another_site_reads_nothing_and_may_lead_here(served: Served) -> None:
    foreign = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors"}
    for path in READ:
        assert served.get(path, **foreign).status_code == 403, path
    visit = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"}
    assert served.get("/login", **visit).status_code == 200
    own = {"sec-fetch-site": "same-origin", "origin": served.url}
    assert served.get("/state", **own).status_code == 200
    for answer in (served.get("/state", **own), served.get("/state")):
        assert not [name for name in answer.headers if name.startswith("access-control")]


def test_what_a_form_of_another_site_can_send_is_no_kill(served: Served) -> None:
    token = {"authorization": f"Bearer {served.access.kill_token}"}
    with served.client(**token) as client:
        for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""):
            reply = client.post("/kill", content=b'{"reason":"x"}', headers={"content-type": kind})
            assert reply.status_code == 415
        for body in (b"", b"{", b"[]", b'{"reason": 7}', b'"x"', b"\xff", b'{"reason": null}'):
            told = {"content-type": "application/json"}
            assert client.post("/kill", content=body, headers=told).status_code == 400, body
    assert reason_of(served.data) is None


def test_wrong_tokens_are_told_nothing_and_wait(guarded: Served) -> None:
    """As many of them as there are; and a right one does not wait for them."""
    close, far = TOKEN[:-1] + "0", "x"
    assert close != TOKEN

    async def ask() -> tuple[list[httpx.Response], int]:
        many = httpx.Limits(max_connections=100)
        async with httpx.AsyncClient(base_url=guarded.url, limits=many, timeout=30) as client:

            def shown(token: str) -> dict[str, str]:
                return {"authorization": f"Bearer {token}"}

            wrong = [
                asyncio.create_task(client.get("/state", headers=shown(token)))
                for token in itertools.islice(itertools.cycle((close, far, TOKEN.upper())), 40)
            ]
            await asyncio.sleep(0.3)
            before_ns = monotonic_ns()
            assert (await client.get("/state", headers=shown(TOKEN))).status_code == 200
            took_ns = monotonic_ns() - before_ns
            return list(await asyncio.gather(*wrong)), took_ns

    wrong, took_ns = asyncio.run(ask())
    assert took_ns < WRONG_S * NS_PER_S / 2
    waited = [reply for reply in wrong if reply.status_code == 401]
    assert len(waited) == WRONG_MAX
    assert {reply.status_code for reply in wrong} == {401, 429}
    assert {reply.text for reply in waited} == {'{"error":"not the token"}'}
    assert min(reply.elapsed.total_seconds() for reply in waited) >= WRONG_S
    with guarded.client() as client:
        login = client.post("/login", data={"token": close})
    assert (login.status_code, login.text) == (401, waited[0].text)


@pytest.mark.parametrize(
    "path",
    [
        *(
            "/static/../app.py",
            "/static/%2e%2e/app.py",
            "/static/..%2fapp.py",
            "/static/..%5capp.py",
        ),
        *("/static/%2e%2e%2f%2e%2e%2fsecrets.py", "/static//etc/passwd", "/static/%2fetc%2fpasswd"),
        *("/static/login.html%00", "/static/login.html%00.js", "/static/login.html/", "/static/."),
        *("/static/", "/static", "/static/%", "/static/%zz", "/static/..", "/../../../etc/passwd"),
        *("//etc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "/state/", "//state", "/state%00", "/STATE"),
        *(
            "/static/login.html;a",
            "/static/\\..\\app.py",
            "/static/%c0%ae%c0%ae/app.py",
            "/state/..",
        ),
        *("http://localhost/state", "*", "state", "/static/login.HTML", "/static/LOGIN.html"),
        *("/bulletin.json", "/watched.json", "/HALTED", "/static/..;/app.py", "/.git/config"),
    ],
)
def test_no_path_leads_out_of_the_page_s_files(served: Served, path: str) -> None:
    answer = served.raw(get(path))
    assert status_of(answer) in (400, 404)
    for secret in (b"root:", b"import ", b"<form", b"frames_per_s"):
        assert secret not in answer
    assert b"\r\nlocation:" not in answer.lower()


@pytest.mark.parametrize(
    "method", ["OPTIONS", "PUT", "DELETE", "PATCH", "TRACE", "CONNECT", "BREW", "get", "PROPFIND"]
)
def test_other_methods_are_refused(served: Served, method: str) -> None:
    for path in ("/", "/state", "/events", "/kill", "/login", "/static/login.html"):
        answer = served.raw(get(path, method=method))
        assert status_of(answer) == 405, path
        assert b"\r\nallow: " in answer
        assert b"access-control" not in answer


def test_head_is_get_without_its_body(served: Served) -> None:
    for path in READ:
        answer = served.raw(get(path, method="HEAD"), wait_s=3)
        assert status_of(answer) in (200, 202, 404), path
        assert answer.endswith(b"\r\n\r\n"), path
        assert b"content-security-policy" in answer
    assert served.monitor.streams.open == 0
    assert status_of(served.raw(get("/kill", method="HEAD"))) == 405


@pytest.mark.parametrize(
    "sent",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 64,
        b"\x00" * 100,
        b"nonsense\r\n\r\n",
        b"GET /state\r\n\r\n",
        b"GET /st\x00ate HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET /state HTTP/1.1\r\nHost: localhost\r\nno colon\r\n\r\n",
        b"GET /state HTTP/1.1\r\nHost: localhost\r\nX: \x00\r\n\r\n",
        b"GET /state HTTP/1.1\r\nHost : localhost\r\n\r\n",
        b"POST /kill HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n",
        b"POST /kill HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"POST /kill HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: gzip\r\n\r\n",
        b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"a" * 20_000 + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\n" + b"X: a\r\n" * 4_000 + b"\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"a" * 40_000,
    ],
)
def test_what_is_no_http_is_400_and_ends(served: Served, sent: bytes) -> None:
    answer = served.raw(sent)
    assert status_of(answer) in (400, 431)
    assert b"Traceback" not in answer
    assert served.get("/health").status_code == 200


def test_bodies_are_bounded(served: Served) -> None:
    token = f"Authorization: Bearer {served.access.kill_token}"
    kind = "Content-Type: application/json"
    long = get("/kill", token, kind, f"Content-Length: {BODY_BYTES_MAX + 1}", method="POST")
    assert status_of(served.raw(long)) == 413
    chunked = get("/kill", token, kind, "Transfer-Encoding: chunked", method="POST")
    assert status_of(served.raw(chunked, b'e\r\n{"reason":"x"}\r\n0\r\n\r\n')) == 411
    huge = get("/state", f"Content-Length: {10**18}")
    assert status_of(served.raw(huge)) == 413
    assert reason_of(served.data) is None


def test_a_body_that_ends_in_nonsense_is_no_failure_of_ours(
    served: Served, caplog: pytest.LogCaptureFixture
) -> None:
    """It is refused while its head is being answered."""
    head = get("/kill", "Transfer-Encoding: chunked", method="POST")
    assert status_of(served.raw(head + b"no length\r\n")) == 400
    assert served.get("/health").status_code == 200
    assert "Exception" not in caplog.text


def test_requests_in_a_row_are_answered_in_a_row(served: Served) -> None:
    one = b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n"
    answer = served.raw(one * 3 + get("/alerts"))
    assert answer.count(b"HTTP/1.1 200 OK") == 4
    assert answer.endswith(b'{"alerts":[]}')


def test_a_websocket_is_asked_for_in_vain(served: Served) -> None:
    upgrade = ("Upgrade: websocket", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==")
    head = ("GET /state HTTP/1.1", "Host: localhost", *upgrade, "Connection: upgrade, close")
    answer = served.raw("\r\n".join((*head, "Sec-WebSocket-Version: 13", "", "")).encode())
    assert status_of(answer) == 200


def test_every_refusal_bears_the_headers_too(guarded: Served, served: Served) -> None:
    refused = [
        served.get("/state", host="evil.example"),
        served.get("/state", origin="null"),
        served.get("/none"),
        guarded.get("/state"),
        guarded.get("/state", authorization="Bearer x"),
    ]
    with served.client() as client:
        refused.append(client.post("/kill", content=b"x" * (BODY_BYTES_MAX + 1)))
        refused.append(client.put("/state"))
    for reply in refused:
        assert reply.status_code >= 400
        assert {name: reply.headers.get(name) for name in HEADERS} == HEADERS
