"""The page's own files, read once: what a request names is looked up, and opens nothing."""

import hashlib
import zlib
from pathlib import Path

import msgspec
from starlette.requests import Request
from starlette.responses import Response

FOLDER = Path(__file__).with_name("static")

TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".txt": "text/plain; charset=utf-8",
}
"""Nothing else is served."""

_GZIP = 16 + zlib.MAX_WBITS


class File(msgspec.Struct, frozen=True):
    content: bytes
    packed: bytes
    kind: str
    tag: str


def files() -> dict[str, File]:
    """By name."""
    return {path.name: _file(path) for path in FOLDER.iterdir() if path.suffix in TYPES}


def served(file: File, request: Request) -> Response:
    """The file, or 304 for whoever has it."""
    headers = {"etag": file.tag, "cache-control": "no-cache", "vary": "accept-encoding"}
    if request.headers.get("if-none-match") == file.tag:
        return Response(status_code=304, headers=headers)
    if "gzip" in request.headers.get("accept-encoding", ""):
        headers["content-encoding"] = "gzip"
        return Response(file.packed, headers=headers, media_type=file.kind)
    return Response(file.content, headers=headers, media_type=file.kind)


def _file(path: Path) -> File:
    content = path.read_bytes()
    packer = zlib.compressobj(9, wbits=_GZIP)
    packed = packer.compress(content) + packer.flush()
    tag = f'"{hashlib.sha256(content).hexdigest()[:16]}"'
    return File(content, packed, TYPES[path.suffix], tag)
