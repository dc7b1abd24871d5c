"""How kernels are compiled: the only importer of numba.

Numba does not notice that a helper in another file changed, so the on-disk cache lives in a folder named by the
hash of every source that is compiled in; an edited helper means another folder.

Kernels allocate nothing, so they are compiled without numba's reference counting, which costs a factor of five in
the row loop (measured with `benchmarks.replay`). With NUMBA_DISABLE_JIT=1 the same sources run as plain Python.
"""

import hashlib
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import numba
import numpy as np
import numpy.typing as npt
from llvmlite import ir
from numba.core import cgutils
from numba.extending import intrinsic
from numba.np import arrayobj

Function = TypeVar("Function", bound=Callable[..., Any])
Array = npt.NDArray[Any]
Record = Any
"""One element of a structured array: fields are attributes, writes go through to the array."""

INTERPRETED = bool(numba.config.DISABLE_JIT)


def _sources() -> list[Path]:
    package = Path(__file__).resolve().parent.parent
    folders = (package / "kernel", package / "sim")
    files = [package / "units.py", package / "records.py"]
    return files + sorted(file for folder in folders for file in folder.glob("*.py"))


def _cache_folder() -> Path:
    digest = hashlib.sha256()
    for source in _sources():
        digest.update(source.read_bytes())
    name = f"numba-{digest.hexdigest()[:16]}"
    beside = Path(__file__).resolve().parent / "__pycache__" / name
    try:
        beside.mkdir(parents=True, exist_ok=True)
    except OSError:  # an installation owned by somebody else
        return Path(tempfile.gettempdir()) / f"hfptm-{name}"
    return beside


numba.config.CACHE_DIR = str(_cache_folder())

_OPTIONS: dict[str, Any] = {"_nrt": False, "error_model": "numpy"}


def hot(function: Function) -> Function:
    """For what every row runs through: always inlined, since passing the whole state costs more than the work."""
    compiled: Function = numba.njit(forceinline=True, **_OPTIONS)(function)
    return compiled


def cold(function: Function) -> Function:
    """For what few rows reach: kept out of the row loop."""
    compiled: Function = numba.njit(**_OPTIONS)(function)
    return compiled


def entry(function: Function) -> Function:
    """For what Python calls: compiled once a machine, kept on disk."""
    compiled: Function = numba.njit(cache=True, nogil=True, **_OPTIONS)(function)
    return compiled


def records(dtype: np.dtype[Any], shape: int | tuple[int, ...]) -> Array:
    """Zeroed rows whose fields are attributes both compiled and interpreted."""
    return as_records(np.zeros(shape, dtype))


def as_records(rows: Array) -> Array:
    return rows.view(np.recarray) if INTERPRETED else rows.view(np.ndarray)


@intrinsic
def _prefetch(_context: Any, array: Any, index: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        array_type = signature.args[0]
        array_struct = arrayobj.make_array(array_type)(context, builder, arguments[0])
        pointer = cgutils.get_item_pointer(
            context, builder, array_type, array_struct, [arguments[1]], wraparound=False
        )
        byte_pointer = builder.bitcast(pointer, ir.IntType(8).as_pointer())
        int32 = ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [byte_pointer.type, int32, int32, int32])
        function = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0")
        builder.call(function, [byte_pointer, int32(0), int32(3), int32(1)])
        return context.get_dummy_value()

    return numba.types.void(array, numba.types.int64), generate


def _no_prefetch(array: Array, index: int) -> None:
    """The interpreter has no use for a cache hint."""


prefetch: Callable[[Array, int], None] = _no_prefetch if INTERPRETED else _prefetch
"""Ask the processor for `array[index]` ahead of its use; index must lie within the array."""
