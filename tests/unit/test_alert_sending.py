"""Alerts leave for a local service: once, redacted, and whatever that service does."""

import json
import logging
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from hfptm import config
from hfptm.alerts import Watch, kept, outbox
from hfptm.alerts.kinds import Severity
from hfptm.alerts.outbox import Message
from hfptm.alerts.sending import send, short
from hfptm.clock import monotonic_ns, wall_ns
from hfptm.secrets import Secret
from tests.healthy import bulletin
from tests.sink import Sink, serving

# apprise's mail service imports it; Python 3.13 has none, and apprise brings its own then.
pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")

SETTINGS = config.load(None, [], {})
MESSAGE = Message(title="a title", body="one\ntwo <b>&</b>", severity=Severity.WARNING, serial=1)
S = 1_000_000_000

TELEGRAM = "tgram://123456789:AAabcdefghijklmnopqrstuvwxyz123456789/12345"
SLACK = "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ/#general"
MAIL = "mailto://me:passw0rd@mail.example?to=you@mail.example"


@pytest.fixture
def sink() -> Iterator[Sink]:
    with serving(Sink()) as made:
        yield made


@pytest.fixture
def logged() -> Iterator[list[str]]:
    """All that reaches the root's handlers, of any level, as a log would write it."""
    lines: list[str] = []

    class Lines(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(self.format(record))

    handler, root = Lines(), logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(1)
    yield lines
    root.setLevel(level)
    root.removeHandler(handler)


@pytest.fixture(autouse=True)
def no_long_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox, "RETRY_NS_MIN", S // 5)
    monkeypatch.setattr("hfptm.alerts.watch.CLOSE_S", 0.5)


@pytest.fixture
def watch(tmp_path: Path, sink: Sink) -> Watch:
    return watching(tmp_path, [sink.address()])


def watching(data: Path, addresses: list[str]) -> Watch:
    watch = Watch(data, SETTINGS, [Secret(text) for text in addresses], lambda: None)
    watch._bounds = replace(watch._bounds, group_ns=S // 5)
    return watch


def until(done: Callable[[], bool], watch: Watch, seconds: float = 20.0, **changes: Any) -> None:
    """Looks at a bulletin of now again and again."""
    end_ns, pause = monotonic_ns() + int(seconds * S), threading.Event()
    while not done():
        assert monotonic_ns() < end_ns
        began_ns = monotonic_ns()
        watch.look(bulletin(wall_ns(), **changes), wall_ns())
        assert monotonic_ns() - began_ns < 2 * S, "a look waited"
        pause.wait(0.02)


def test_a_message_as_the_service_gets_it(sink: Sink) -> None:
    assert send(Secret(sink.address()), MESSAGE) == ""
    (message,) = sink.messages
    assert (message["title"], message["message"]) == (MESSAGE.title, MESSAGE.body)
    assert message["type"] == "warning"


@pytest.mark.parametrize(
    ("answer", "why"), [(500, "500"), (403, "403"), (0, "connection error")], ids=str
)
def test_why_it_was_not_taken_holds_nothing_of_the_address(
    sink: Sink, answer: int, why: str, logged: list[str]
) -> None:
    sink.answer = answer
    began_ns = monotonic_ns()
    told = send(Secret(sink.address("s3cret-path")), MESSAGE)
    assert monotonic_ns() - began_ns < 4 * S
    assert why in told.lower()
    shown = told + "".join(logged)
    assert [piece for piece in ("s3cret-path", "passw0rd", "127.0.0.1") if piece in shown] == []


def test_an_address_of_no_service(logged: list[str]) -> None:
    for text in ("nothing://s3cret-path", "tgram://s3cret-path"):
        assert "no service has such an address" in send(Secret(text), MESSAGE)
        assert short(Secret(text)) == text.replace("s3cret-path", "…")
    assert "s3cret" not in "".join(logged)


@pytest.mark.parametrize("address", [TELEGRAM, SLACK, MAIL], ids=["tgram", "slack", "mailto"])
def test_usual_addresses_are_understood(address: str) -> None:
    import apprise

    assert apprise.Apprise().add(address)


def test_each_alert_is_sent_once_and_a_group_is_one_message(watch: Watch, sink: Sink) -> None:
    until(lambda: len(sink.messages) == 1, watch, problems=["no room", "no line"])
    (text,) = sink.texts
    assert "2 alerts" in text
    assert "error: no room\nWhat to do: docs/operations.md#error\n" in text
    end_ns = monotonic_ns() + S * 2 // 3
    until(lambda: monotonic_ns() > end_ns, watch, problems=["no room", "no line"])
    assert len(sink.messages) == 1
    assert [alert.text for alert in watch.recent] == ["no line", "no room"]
    watch.close()


@pytest.mark.parametrize("answer", [500, 0], ids=["refuses", "hangs"])
def test_what_is_not_taken_is_tried_again_and_nothing_waits(
    watch: Watch, sink: Sink, answer: int, logged: list[str]
) -> None:
    sink.answer = answer
    until(lambda: sink.asked >= 1, watch, problems=["no room"])
    if answer:
        until(lambda: sink.asked >= 3, watch, problems=["no room"])
    sink.answer = 200
    until(lambda: len(sink.messages) == 1, watch, problems=["no room", "no line"])
    assert "error: no room" in sink.texts[0]
    text = "\n".join(logged)
    assert "alert to 1 (json://…) failed, it is tried again" in text
    assert [piece for piece in ("127.0.0.1", "passw0rd", "t0ken") if piece in text] == []
    watch.close()


def test_a_service_that_is_not_there_stops_nothing(tmp_path: Path, sink: Sink) -> None:
    watch = watching(tmp_path, ["json://127.0.0.1:1/gone", sink.address()])
    until(lambda: len(sink.messages) == 1, watch, problems=["no room"])
    watch.close()
    kept_now = kept.read(tmp_path)
    assert kept_now
    assert kept_now.outboxes["1 (json://…)"].serial == 0
    assert kept_now.outboxes["1 (json://…)"].failures > 0


def test_the_next_monitor_goes_on(watch: Watch, sink: Sink, tmp_path: Path) -> None:
    until(lambda: len(sink.messages) == 1, watch, problems=["no room"])
    sink.answer = 500
    until(lambda: sink.asked > 1, watch, problems=["no room", "no line"])
    watch.close()
    assert "no room" in sink.texts[0]
    sink.answer = 200
    again = watching(tmp_path, [sink.address()])
    until(lambda: len(sink.messages) == 2, again, problems=["no room", "no line"])
    assert "no line" in sink.texts[1]
    assert "no room" not in sink.texts[1]
    again.close()
    text = kept.kept_path(tmp_path).read_text()
    assert [piece for piece in ("passw0rd", "t0ken", "127.0.0.1") if piece in text] == []


def test_one_monitor_of_a_folder_sends(watch: Watch, sink: Sink, tmp_path: Path) -> None:
    other = watching(tmp_path, [sink.address()])
    until(lambda: len(sink.messages) == 1, watch, problems=["no room"])
    end_ns = monotonic_ns() + S * 2 // 3
    until(lambda: monotonic_ns() > end_ns, other, problems=["no room"])
    assert len(sink.messages) == 1
    assert [alert.text for alert in other.recent] == ["no room"]
    watch.close()
    other.close()


def test_the_end_of_a_program_is_told_before_the_monitor_ends(watch: Watch, sink: Sink) -> None:
    watch.look(bulletin(wall_ns()), wall_ns())
    watch.look(bulletin(wall_ns()), wall_ns(), is_orphan=True)
    watch.close()
    (text,) = sink.texts
    assert "died: hfptm paper, process 7: gone without a word" in text


def test_a_monitor_that_is_told_to_end_does_not_wait_long_for_a_death_to_be_told(
    watch: Watch, sink: Sink
) -> None:
    sink.answer = 500
    until(lambda: sink.asked > 0, watch, ended="failed: no room")
    began_ns = monotonic_ns()
    watch.close()
    assert monotonic_ns() - began_ns < 5 * S


def test_nothing_but_sending_imports_what_sends() -> None:
    program = "import hfptm.cli, hfptm.alerts, sys; sys.exit('apprise' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_addresses_that_are_new_hear_what_holds(sink: Sink, tmp_path: Path) -> None:
    nobody = watching(tmp_path, [])
    nobody.look(bulletin(wall_ns(), problems=["no room"]), wall_ns())
    nobody.close()
    watch = watching(tmp_path, [sink.address()])
    until(lambda: len(sink.messages) == 1, watch, problems=["no room"])
    assert "no room" in sink.texts[0]
    watch.close()


def test_a_folder_that_takes_no_file_is_said_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    watch = watching(tmp_path / "none", [])
    end_ns = monotonic_ns() + S // 2
    until(lambda: monotonic_ns() > end_ns, watch, problems=["no room"])
    assert [r.getMessage()[:24] for r in caplog.records] == ["no alert can be sent: [E"]
    assert [alert.text for alert in watch.recent] == ["no room"]
    watch.close()


def test_a_disk_that_takes_nothing_stops_no_message(
    watch: Watch, sink: Sink, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    kept.kept_path(tmp_path).mkdir()
    (tmp_path / "alerts.tmp").mkdir()
    with pytest.raises(OSError, match="directory"):
        kept.read(tmp_path)
    kept.kept_path(tmp_path).rmdir()
    until(lambda: len(sink.messages) == 1, watch, problems=["no room"])
    assert "alerts cannot be kept, and may be told twice" in caplog.text
    watch.close()


def test_looking_costs_little(watch: Watch) -> None:
    logging.disable(logging.WARNING)
    told, now_ns = bulletin(wall_ns(), problems=["no room"]), wall_ns()
    watch.look(told, now_ns)
    began_ns = monotonic_ns()
    for number in range(100):
        watch.look(told, now_ns + number)
    logging.disable(logging.NOTSET)
    assert monotonic_ns() - began_ns < 100 * 5_000_000
    assert json.loads(kept.kept_path(watch._data).read_bytes())["version"] == kept.VERSION
    watch.close()
