"""The dashboard over HTTP: what each address answers, to whom, and how news arrive."""

import json
import zlib
from collections.abc import Iterator
from pathlib import Path

import httpx
import msgspec
import pytest

from hfptm.bulletin import read_watched
from hfptm.clock import monotonic_ns, wall_ns
from hfptm.dash.access import COOKIE
from hfptm.dash.guard import HEADERS
from hfptm.drive.kill_switch import reason_of
from hfptm.units import NS_PER_S
from tests.bulletins import BOOK, MARKET, PAPER, busy
from tests.dashboards import TOKEN, Served, dashboard


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    with dashboard(tmp_path / "data") as served:
        yield served


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[Served]:
    """With a configured token."""
    with dashboard(tmp_path / "data", TOKEN) as served:
        yield served


def wait_for_paper(served: Served) -> None:
    served.tell()
    end_ns = monotonic_ns() + 5 * NS_PER_S
    with served.client(authorization=f"Bearer {TOKEN}") as client:
        while client.get("/state").json()["mode"] != "paper":
            assert monotonic_ns() < end_ns


def test_state_is_the_last_bulletin(served: Served) -> None:
    assert served.get("/state").json()["mode"] == ""
    wait_for_paper(served)
    told = served.get("/state").json()
    assert told["trading"] == msgspec.to_builtins(PAPER.trading)
    assert told["is_alive"]
    assert told["can_kill"]
    assert 0 <= told["age_ns"] < NS_PER_S
    assert served.get("/trades").json()["plans"][0]["serial"] == 1
    assert served.get("/history").json()["told_ns"] == [told["told_ns"]]
    assert served.get(f"/history?since_ns={told['told_ns']}").json()["told_ns"] == []
    assert served.get("/history?since_ns=-1").status_code == 400


def test_health_is_200_only_while_all_is_well(served: Served) -> None:
    assert served.get("/health").status_code == 503
    wait_for_paper(served)
    assert served.get("/health").json() == {"is_well": True, "problems": [], "killed": None}
    served.tell(msgspec.structs.replace(PAPER, problems=["no space"]))
    end_ns = monotonic_ns() + 5 * NS_PER_S
    while (reply := served.get("/health")).status_code == 200:
        assert monotonic_ns() < end_ns
    assert (reply.status_code, reply.json()["problems"]) == (503, ["no space"])
    served.tell(age_ns=40 * NS_PER_S)
    while "40 s" not in (said := served.get("/health").text):
        assert monotonic_ns() < end_ns
    assert "killed, or hangs" in said


def test_metrics_are_of_the_last_bulletin(served: Served) -> None:
    assert "hfptm_up 0.0" in served.get("/metrics").text
    wait_for_paper(served)
    reply = served.get("/metrics")
    assert reply.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert "hfptm_up 1.0" in reply.text
    assert "will-it-rain" not in reply.text


def test_a_bulletin_of_another_version_is_a_problem_not_an_end(served: Served) -> None:
    (served.data).mkdir()
    (served.data / "bulletin.json").write_text('{"version": 99}')
    end_ns = monotonic_ns() + 5 * NS_PER_S
    while "version 99" not in served.get("/health").text:
        assert monotonic_ns() < end_ns
    wait_for_paper(served)
    assert served.get("/health").status_code == 200


def test_the_files_of_the_page_come_packed_and_once(served: Served) -> None:
    page = served.get("/login")
    assert page.headers["content-type"].startswith("text/html")
    assert page.headers["content-encoding"] == "gzip"
    assert "<form" in page.text
    plain = served.get("/static/login.html", **{"accept-encoding": "identity"})
    assert (plain.text, plain.headers.get("content-encoding")) == (page.text, None)
    again = served.get("/login", **{"if-none-match": page.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_books_are_asked_for_by_slug_or_id(served: Served) -> None:
    wait_for_paper(served)
    assert served.get(f"/book?market={MARKET}").content == msgspec.json.encode(BOOK)
    assert read_watched(served.data, wall_ns()) == [MARKET]
    assert served.get("/book?market=7").status_code == 202
    assert read_watched(served.data, wall_ns()) == [MARKET, 7]
    for market in range(20, 30):
        served.get(f"/book?market={market}")
    assert read_watched(served.data, wall_ns()) == list(range(22, 30))
    assert served.get("/book?market=no-such-slug").status_code == 404


def events(response: httpx.Response) -> Iterator[tuple[str, dict[str, object]]]:
    lines = response.iter_lines()
    for line in lines:
        if name := line.removeprefix("event: "):
            yield name, json.loads(next(lines).removeprefix("data: "))


def test_news_arrive_within_a_second_and_the_end_too(served: Served) -> None:
    served.tell()
    with served.client() as client, client.stream("GET", "/events") as stream:
        told = events(stream)
        assert stream.headers["content-type"].startswith("text/event-stream")
        while next(told)[1]["mode"] != "paper":
            continue
        for serial in range(2, 5):
            before_ns = monotonic_ns()
            served.tell(msgspec.structs.replace(PAPER, serial=serial))
            while next(told)[1]["serial"] != serial:
                continue
            assert monotonic_ns() - before_ns < NS_PER_S
        served.tell(msgspec.structs.replace(PAPER, serial=9, ended="stopped"))
        while next(told)[1]["ended"] != "stopped":
            continue
    assert served.monitor.streams.open <= 1


def test_a_packed_stream_is_gzip_as_it_comes(served: Served) -> None:
    """Each event can be read before the next is there, and takes a fraction of its size."""
    served.tell(busy(200))
    with served.client() as client, client.stream("GET", "/events") as stream:
        assert stream.headers["content-encoding"] == "gzip"
        unpacker, raw, text = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS), 0, b""
        for part in stream.iter_raw():
            raw += len(part)
            text += unpacker.decompress(part)
            if b'"mode":"paper"' in text and text.endswith(b"\n\n"):
                break
    assert raw < len(text) / 5


def test_kill_takes_the_page_s_token_and_writes_one_line(served: Served) -> None:
    wait_for_paper(served)
    token = served.get("/kill-token").json()["token"]
    with served.client(authorization=f"Bearer {token}") as client:
        reply = client.post("/kill", json={"reason": "too\nmuch\x00 " + "x" * 900})
    assert reply.status_code == 200
    reason = reason_of(served.data) or ""
    assert reason.startswith("dashboard: too much xxx")
    assert len(reason) < 250
    assert reason.isprintable()
    assert reply.json() == {"killed": reason}
    assert served.get("/state").json()["killed"] == reason
    assert served.get("/health").json()["killed"] == reason


def test_kill_works_where_nothing_ever_ran(served: Served) -> None:
    token = served.get("/kill-token").json()["token"]
    with served.client(authorization=f"Bearer {token}") as client:
        assert client.post("/kill", json={}).status_code == 200
    assert reason_of(served.data) == "dashboard: no reason given"


def test_a_disk_that_takes_no_kill_is_said_loudly(served: Served) -> None:
    served.data.write_text("no folder")
    token = served.get("/kill-token").json()["token"]
    with served.client(authorization=f"Bearer {token}") as client:
        reply = client.post("/kill", json={"reason": "x"})
    assert reply.status_code == 503
    assert reply.json()["error"].startswith("NOT halted")


def test_with_a_token_nothing_is_told_without_it(guarded: Served) -> None:
    wait_for_paper(guarded)
    for path in ("/state", "/history", "/events", "/book", "/markets", "/trades", "/metrics"):
        reply = guarded.get(path)
        assert reply.status_code == 401, path
        assert reply.headers["www-authenticate"] == "Bearer"
    assert guarded.get("/kill-token").status_code == 401
    assert guarded.get("/health").json() == {"is_well": True}
    assert guarded.get("/").headers["location"] == "/login"
    assert guarded.get("/state", authorization=f"bearer {TOKEN}").status_code == 200
    assert guarded.get("/state", host="dash.example", authorization=f"Bearer {TOKEN}").is_success


def test_a_login_sets_a_cookie_that_shows_and_never_kills(guarded: Served) -> None:
    with guarded.client() as client:
        reply = client.post("/login", data={"token": TOKEN})
        assert (reply.status_code, reply.headers["location"]) == (303, "/")
        sent = reply.headers["set-cookie"]
        assert {"HttpOnly", "SameSite=Strict", "Path=/"} <= set(sent.split("; "))
        assert "Secure" not in sent
        assert TOKEN not in sent
        assert client.get("/state").status_code == 200
        assert client.post("/kill", json={"reason": "cookie"}).status_code == 401
        assert reason_of(guarded.data) is None
        token = client.get("/kill-token").json()["token"]
        shown = {"authorization": f"Bearer {token}"}
        assert client.post("/kill", json={"reason": "x"}, headers=shown).status_code == 200
    with guarded.client(cookie=f"{COOKIE}=0; x=y") as client:
        assert client.get("/state").status_code == 401
    with guarded.client(**{"x-forwarded-proto": "https"}) as client:
        assert "Secure" in client.post("/login", data={"token": TOKEN}).headers["set-cookie"]


def test_the_configured_token_kills_alone_and_the_page_s_does_not(guarded: Served) -> None:
    own = guarded.access.kill_token
    with guarded.client(authorization=f"Bearer {own}") as client:
        assert client.post("/kill", json={"reason": "x"}).status_code == 401
    assert reason_of(guarded.data) is None
    with guarded.client(authorization=f"Bearer {TOKEN}") as client:
        assert client.post("/kill", json={"reason": "by script"}).status_code == 200
    assert reason_of(guarded.data) == "dashboard: by script"


def test_every_answer_bears_the_headers(guarded: Served) -> None:
    for path in ("/", "/login", "/static/login.html", "/static/none", "/state", "/none", "/health"):
        answered = guarded.get(path).headers
        assert {name: answered.get(name) for name in HEADERS} == HEADERS, path
        assert answered["cache-control"] in ("no-store", "no-cache")
