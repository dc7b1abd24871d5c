"""The dashboard's addresses: what each is asked, and what it answers."""

import asyncio
from collections.abc import Awaitable, Callable
from urllib.parse import parse_qs

import msgspec
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from hfptm.clock import monotonic_ns
from hfptm.dash.access import Access
from hfptm.dash.answers import json, refusal, wrong_token
from hfptm.dash.files import files, served
from hfptm.dash.guard import Guard
from hfptm.dash.markets import Markets
from hfptm.dash.monitor import Monitor
from hfptm.dash.streams import STREAMS_MAX, StreamResponse
from hfptm.dash.watching import Watching
from hfptm.errors import LakeError
from hfptm.metrics import CONTENT_TYPE, metrics_text

REASON_MAX = 200
"""Characters of why the kill switch is thrown."""

Endpoint = Callable[[Request], Awaitable[Response]]


class Kill(msgspec.Struct):
    """What a page sends."""

    reason: str = ""


class Dashboard:
    """The endpoints over what a monitor knows."""

    def __init__(self, monitor: Monitor, access: Access) -> None:
        self._monitor = monitor
        self._access = access
        self._files = files()
        self._markets = Markets(monitor.data)
        self._watching = Watching(monitor.data)

    def app(self) -> ASGIApp:
        read: dict[str, Endpoint] = {
            "/": self._index,
            "/static/{name}": self._static,
            "/state": self._state,
            "/history": self._history,
            "/events": self._events,
            "/book": self._book,
            "/markets": self._search,
            "/trades": self._trades,
            "/alerts": self._alerts,
            "/health": self._health,
            "/metrics": self._metrics,
            "/kill-token": self._kill_token,
            "/login": self._login_page,
        }
        sent: dict[str, Endpoint] = {"/kill": self._kill, "/login": self._login}
        routes = [
            *(Route(path, endpoint, methods=["GET"]) for path, endpoint in read.items()),
            *(Route(path, endpoint, methods=["POST"]) for path, endpoint in sent.items()),
        ]
        app = Starlette(routes=routes, exception_handlers=_HANDLERS)
        app.router.redirect_slashes = False
        return Guard(app, self._access)

    async def _index(self, request: Request) -> Response:
        return self._file("index.html", request)

    async def _login_page(self, request: Request) -> Response:
        return self._file("login.html", request)

    async def _static(self, request: Request) -> Response:
        return self._file(request.path_params["name"], request)

    def _file(self, name: str, request: Request) -> Response:
        file = self._files.get(name)
        return served(file, request) if file else refusal(404, "no such file")

    async def _state(self, _: Request) -> Response:
        return Response(self._monitor.state(), media_type="application/json")

    async def _history(self, request: Request) -> Response:
        since = request.query_params.get("since_ns", "0")
        if not (since.isascii() and since.isdecimal() and len(since) <= 19):
            return refusal(400, "since_ns is no whole number of nanoseconds")
        return json(self._monitor.history.columns(int(since)))

    async def _events(self, request: Request) -> Response:
        streams = self._monitor.streams
        if streams.is_full:
            return refusal(503, f"{STREAMS_MAX} streams are open; ask /state instead")
        if request.method == "HEAD":
            return Response(media_type="text/event-stream")
        is_packed = "gzip" in request.headers.get("accept-encoding", "")
        return StreamResponse(streams, self._monitor.tell, is_packed=is_packed)

    async def _book(self, request: Request) -> Response:
        try:
            market = await self._markets.id_of(
                request.query_params.get("market", ""), monotonic_ns()
            )
            if market is None:
                return refusal(404, "no market of this slug or id; /markets?search= finds them")
            self._watching.ask(market, self._monitor.seen().now_ns)
        except (LakeError, OSError) as error:
            return refusal(503, str(error))
        bulletin = self._monitor.seen().bulletin
        for book in bulletin.books if bulletin else []:
            if book.market == market:
                return json(book)
        return refusal(202, "not told yet; ask again")

    async def _search(self, request: Request) -> Response:
        try:
            found = await self._markets.search(
                request.query_params.get("search", ""), monotonic_ns()
            )
        except (LakeError, OSError) as error:
            return refusal(503, str(error))
        return json({"markets": found})

    async def _trades(self, _: Request) -> Response:
        bulletin = self._monitor.seen().bulletin
        trading = bulletin.trading if bulletin else None
        return json({"plans": trading.plans if trading else []})

    async def _alerts(self, _: Request) -> Response:
        return json({"alerts": self._monitor.alerts()})

    async def _health(self, request: Request) -> Response:
        problems = self._monitor.seen().problems()
        status = 503 if problems else 200
        if not self._access.admits(request.headers):
            return json({"is_well": not problems}, status)
        killed = self._monitor.switch.reason()
        return json({"is_well": not problems, "problems": problems, "killed": killed}, status)

    async def _metrics(self, _: Request) -> Response:
        seen = self._monitor.seen()
        return Response(metrics_text(seen.bulletin, seen.now_ns), media_type=CONTENT_TYPE)

    async def _kill_token(self, _: Request) -> Response:
        return json({"token": self._access.kill_token})

    async def _kill(self, request: Request) -> Response:
        if not self._access.may_kill(request.headers):
            return await wrong_token(self._access)
        if request.headers.get("content-type", "").partition(";")[0] != "application/json":
            return refusal(415, "send JSON, as application/json")
        try:
            told = msgspec.json.decode(await request.body(), type=Kill)
        except msgspec.DecodeError:
            return refusal(400, 'send {"reason": "why"}')
        try:
            await asyncio.to_thread(self._monitor.switch.throw, f"dashboard: {_line(told.reason)}")
        except OSError as error:
            problem = f"NOT halted: {error.strerror}; end the program itself, or `hfptm kill`"
            return refusal(503, problem)
        self._monitor.look()
        return json({"killed": self._monitor.switch.reason()})

    async def _login(self, request: Request) -> Response:
        try:
            sent = parse_qs((await request.body()).decode(), max_num_fields=4)
        except ValueError:
            return refusal(400, "send token=… as a form does")
        if not self._access.is_token(sent.get("token", [""])[0]):
            return await wrong_token(self._access)
        is_https = request.headers.get("x-forwarded-proto") == "https"
        answer = RedirectResponse("/", 303)
        answer.headers["set-cookie"] = self._access.cookie(is_https=is_https)
        return answer


async def _refused(_: Request, error: Exception) -> Response:
    """What the routes themselves refuse: an unknown address, another method."""
    if not isinstance(error, HTTPException):
        raise error
    answer = refusal(error.status_code, error.detail)
    answer.headers.update(error.headers or {})
    return answer


async def _gone(_: Request, __: Exception) -> Response:
    """Whoever went in the middle of what he sent hears no answer; it is nobody's failure here."""
    return Response(status_code=400)


_HANDLERS = {HTTPException: _refused, ClientDisconnect: _gone}


def _line(text: str) -> str:
    """What somebody typed, as part of one line of bounded length."""
    shown = "".join(sign if sign.isprintable() else " " for sign in text)
    return " ".join(shown.split())[:REASON_MAX] or "no reason given"
