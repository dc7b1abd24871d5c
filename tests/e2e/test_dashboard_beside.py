"""`hfptm record` at a sandbox with its dashboard beside it, until both end."""

import asyncio
import signal
from pathlib import Path

import httpx

from hfptm.clock import monotonic_ns
from hfptm.sandbox.service import Service
from hfptm.sandbox.session import Settings
from hfptm.units import NS_PER_S
from tests.e2e.command import process
from tests.e2e.test_record import variables
from tests.faults.test_beside import free_port, health, is_free, until

SOON_NS = 20 * NS_PER_S


def test_a_recorder_is_seen_its_books_too_until_it_ends(tmp_path: Path) -> None:
    port = free_port()
    arguments = ("record", "--data", tmp_path, "--set", f"dashboard.port={port}")
    with Service(Settings(markets=12, rate=50)) as service:
        ran = process(*arguments, **variables(service))
        try:
            asyncio.run(until(lambda: health(port) == 200))
            look(f"http://127.0.0.1:{port}")
        finally:
            ran.send_signal(signal.SIGTERM)
            _, err = ran.communicate(timeout=60)
    assert ran.returncode == 0, err
    assert f"the dashboard is at http://127.0.0.1:{port}" in err
    assert "Traceback" not in err
    assert is_free(port)


def look(url: str) -> None:
    end_ns = monotonic_ns() + SOON_NS
    with httpx.Client(base_url=url, timeout=20) as client:
        while not (found := client.get("/markets?search=").json()["markets"]):
            assert monotonic_ns() < end_ns
        while (
            reply := client.get("/book", params={"market": found[0]["slug"]})
        ).status_code != 200:
            assert monotonic_ns() < end_ns
        assert reply.json()["slug"] == found[0]["slug"]
        assert str(reply.json()["market"]) == found[0]["market"]
        told = client.get("/state").json()
        assert (told["mode"], told["is_alive"], told["trading"]) == ("record", True, None)
        assert told["feed"]["markets"] > 0
        assert "hfptm_up 1.0" in client.get("/metrics").text
        assert len(client.get("/history").json()["frames_per_s"]) > 0
