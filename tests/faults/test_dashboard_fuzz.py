"""Every address of the dashboard with requests made by chance: no failure, no trace, no secret."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import msgspec
import numpy as np
import pytest

from hfptm.bulletin import write
from hfptm.clock import wall_ns
from hfptm.dash.guard import CONTENT_POLICY
from tests.bulletins import PAPER
from tests.dashboards import Served, dashboard
from tests.e2e.command import process

SEED = 20_261_123

TOKEN = "kq7-token-that-nobody-may-read-x2"
PASSWORD = "hush-hush-9931"
ADDRESS = f"jsons://someone:{PASSWORD}@127.0.0.1:9/hook"

METHODS = ("GET", "GET", "GET", "POST", "HEAD", "PUT", "OPTIONS", "DELETE", "TRACE", "X" * 30)
PATHS = (
    *("/", "/login", "/static/login.html", "/static/", "/state", "/history", "/book", "/markets"),
    *("/trades", "/alerts", "/health", "/metrics", "/kill", "/kill-token", "/none"),
)
QUERIES = (
    *("", "?", "?since_ns=1", "?since_ns=99999999999999999999", "?since_ns=\u0661", "?since_ns="),
    *("?market=1", "?market=will-it-rain", "?market=" + "9" * 40, "?market=%00", "?market=\u00e9"),
    *("?search=", "?search=%27%3B--", "?search=%F0%9F%8C%A7", "?search=" + "a" * 2_000, "?%ff=%fe"),
    *("?market=1&market=2", "?search[]=x", "?a" + "&a" * 500),
)
HEADERS: tuple[tuple[bytes, bytes], ...] = (
    (b"Host", b"evil.example"),
    (b"Origin", b"null"),
    (b"Origin", b"http://[::1"),
    (b"Sec-Fetch-Site", b"cross-site"),
    (b"Authorization", b"Bearer "),
    (b"Authorization", b"Basic \xff\xfe"),
    (b"Cookie", b"hfptm=\xff; =; a"),
    (b"Cookie", b"hfptm=" + b"0" * 64),
    (b"Cookie", b'hfptm="\\777'),
    (b"Content-Type", b"application/json"),
    (b"Content-Length", b"4"),
    (b"Content-Length", b"99999"),
    (b"Content-Length", b"x"),
    (b"Transfer-Encoding", b"chunked"),
    (b"Expect", b"100-continue"),
    (b"Upgrade", b"h2c"),
    (b"If-None-Match", b"*"),
    (b"Accept-Encoding", b"gzip"),
    (b"Range", b"bytes=0-"),
    (b"X-Forwarded-Proto", b"https"),
    (b"X", b"\x80\xff" * 40),
)
BODIES = (b"", b"null", b'{"reason":"x"}', b"token=%ff%00", b"token=" + b"a" * 9_000, b"\xff" * 50)


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    with dashboard(tmp_path / "data") as served:
        served.tell()
        served.wait()
        yield served


def drawn(chance: np.random.Generator, token: str) -> bytes:
    """A request, most of the time of legal form, and now and then with a token that kills."""
    method, path = chance.choice(METHODS), chance.choice(PATHS)
    head = [f"{method} {path}{chance.choice(QUERIES)} HTTP/1.1".encode(), b"Host: localhost"]
    chosen = chance.integers(len(HEADERS), size=chance.integers(4))
    head += [b": ".join(HEADERS[place]) for place in chosen]
    if chance.random() < 0.3:
        head.append(f"Authorization: Bearer {token}".encode())
    whole = b"\r\n".join((*head, b"Connection: close", b"", BODIES[chance.integers(len(BODIES))]))
    if chance.random() < 0.1:
        at = int(chance.integers(len(whole)))
        whole = whole[:at] + chance.bytes(3) + whole[at:]
    return whole


def endure(served: Served, requests: int) -> set[int]:
    """What was answered."""
    chance, found = np.random.default_rng(SEED), set[int]()
    for number in range(requests):
        request = drawn(chance, served.access.kill_token)
        answer = served.raw(request, wait_s=0.3)
        if not answer:
            continue
        status = int(answer.split(b" ", 2)[1])
        found.add(status)
        assert status < 500 or status == 503, f"{number}: {request!r}: {answer[:300]!r}"
        assert b"Traceback" not in answer
        is_no_http = b"Invalid HTTP request" in answer
        assert is_no_http or status == 100 or CONTENT_POLICY.encode() in answer
    assert served.get("/state").json()["mode"] == "paper"
    return found


def test_no_request_of_600_breaks_it(served: Served, caplog: pytest.LogCaptureFixture) -> None:
    """A seed that fails is `SEED`, and the number of the request stands in the failure."""
    assert {200, 400, 403, 404, 405, 411, 413} <= endure(served, 600)
    assert "Traceback" not in caplog.text


@pytest.mark.fuzz_long
def test_no_request_of_20_000_breaks_it(served: Served, caplog: pytest.LogCaptureFixture) -> None:
    """`python -m pytest -m fuzz_long tests/faults/test_dashboard_fuzz.py`"""
    endure(served, 20_000)
    assert "Traceback" not in caplog.text


def test_no_secret_is_in_any_answer_or_line(tmp_path: Path) -> None:
    """Of a process that has them, asked for everything with and without its token."""
    write(tmp_path, msgspec.structs.replace(PAPER, told_ns=wall_ns()))
    known = {"POLYMARKET_DASHBOARD_TOKEN": TOKEN, "POLYMARKET_ALERT_ADDRESSES": ADDRESS}
    ran = process("dashboard", "--data", tmp_path, "--port", "0", "--json", **known)
    try:
        said, statuses = everything_said(ran)
    finally:
        ran.terminate()
        out, err = ran.communicate(timeout=60)
    assert {200, 303, 401, 405} <= statuses
    said += [out, err, *(file.read_text() for file in tmp_path.iterdir() if file.is_file())]
    for secret in (TOKEN, PASSWORD, "someone:"):
        assert [text[:200] for text in said if secret in text] == []


def everything_said(ran: "subprocess.Popen[str]") -> tuple[list[str], set[int]]:
    """To nobody, to who has the token, and to who has logged in; and each status."""
    assert ran.stdout is not None
    first = ran.stdout.readline()
    url = msgspec.json.decode(first)["url"]
    said = [first]
    shown: list[dict[str, str]] = [{}, {"authorization": f"Bearer {TOKEN}"}]
    with httpx.Client(base_url=url) as client:
        login = client.post("/login", data={"token": TOKEN})
        shown.append({"cookie": login.headers["set-cookie"].partition(";")[0]})
        answers = [login]
        for headers in shown:
            answers += [client.get(path, headers=headers) for path in PATHS]
            answers.append(client.post("/kill", json={"reason": "x"}, headers=headers))
        for answer in answers:
            said += [answer.text, str(answer.headers)]
    return said, {answer.status_code for answer in answers}
