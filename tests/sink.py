"""A local service that takes messages over HTTP, and one that does not."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Sink:
    """Takes JSON at /TOKEN; `answer` is its next answers' code, 0: it hangs until the end."""

    answer: int = 200
    port: int = 0
    messages: list[dict[str, Any]] = field(default_factory=list)
    """Taken."""
    asked: int = 0
    ended: threading.Event = field(default_factory=threading.Event)

    def address(self, token: str = "t0ken-of-the-sink") -> str:
        """Of one that is given up after a second without an answer."""
        return f"json://user:passw0rd@127.0.0.1:{self.port}/{token}?rto=1"

    @property
    def texts(self) -> list[str]:
        return [f"{message['title']}\n{message['message']}" for message in self.messages]


@contextmanager
def serving(sink: Sink) -> Iterator[Sink]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            sink.asked += 1
            if sink.answer == 0:
                sink.ended.wait()
                return
            if sink.answer < 300:
                sink.messages.append(json.loads(body))
            self.send_response(sink.answer)
            self.end_headers()

        def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
            """Nothing."""

    with ThreadingHTTPServer(("127.0.0.1", sink.port), Handler) as server:
        sink.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield sink
        finally:
            sink.ended.set()
            server.shutdown()
            thread.join()
