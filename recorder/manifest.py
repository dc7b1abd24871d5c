"""Which raw segments of an hour stand as events, and what the normaliser knew after the last."""

import hashlib
from pathlib import Path

import msgspec
import pyarrow as pa

from hfptm.clock import utc_date_hour
from hfptm.errors import LakeError
from hfptm.lake import NORMALISER, Lake
from hfptm.parquet import publish_bytes


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """One raw segment in one hour, and the events file made of it."""

    segment: str
    raw_bytes: int
    raw_sha256: str
    frames: int
    event_rows: int
    """0: there is no events file."""
    events_sha256: str


class Manifest(msgspec.Struct, kw_only=True):
    """Of one hour. `state` is `Normaliser.save` after the last of `sources`."""

    normaliser: str = NORMALISER
    before: str
    """SHA-256 of the state that the hour began with."""
    sources: list[Source] = []
    state: bytes = b""


def manifest_path(lake: Lake, hour_start_ns: int) -> Path:
    """`manifests/date=…/hour=….manifest` of the lake."""
    date, hour = utc_date_hour(hour_start_ns)
    return lake.root / "manifests" / f"date={date}" / f"hour={hour:02d}.manifest"


def read_manifest(path: Path) -> Manifest | None:
    """None if there is none. Raises LakeError for a damaged one."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return None
    try:
        with pa.input_stream(pa.BufferReader(content), compression="zstd") as stream:
            return msgspec.msgpack.decode(stream.read(), type=Manifest)
    except (pa.ArrowException, msgspec.DecodeError, OSError) as error:
        raise LakeError(
            f"{path}: damaged ({error}); remove it, and `hfptm normalize` makes the hour again"
        ) from error


def state_before(lake: Lake, hour_start_ns: int) -> bytes:
    """What this normaliser knew when the hour began: after the last hour before it."""
    path = manifest_path(lake, hour_start_ns)
    earlier = [
        other for other in lake.root.glob("manifests/date=*/hour=*.manifest") if other < path
    ]
    manifest = read_manifest(max(earlier)) if earlier else None
    return manifest.state if manifest and manifest.normaliser == NORMALISER else b""


def write_manifest(path: Path, manifest: Manifest) -> None:
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, "zstd") as stream:
        stream.write(msgspec.msgpack.encode(manifest))
    publish_bytes(path, sink.getvalue().to_pybytes())


def file_sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def state_sha256(state: bytes) -> str:
    return hashlib.sha256(state).hexdigest()
