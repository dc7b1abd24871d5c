"""How kernels are compiled: with `kernel.arrays` the only importer of numba.

Numba does not notice that a helper in another file changed, so the on-disk cache lives in a folder
named by the hash of every source that is compiled in; an edited helper means another folder.

Kernels allocate nothing, so they are compiled without numba's reference counting, which costs a
factor of five in the row loop (measured with `benchmarks.replay`). With NUMBA_DISABLE_JIT=1 the
same sources run as plain Python.
"""

import hashlib
import os
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

import numba
import numpy as np
import numpy.typing as npt
from llvmlite import ir
from numba.core import cgutils
from numba.core.codegen import CPUCodeLibrary
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
    files = [package / "units.py", package / "opportunities.py", package / "records.py"]
    return files + sorted(file for folder in folders for file in folder.glob("*.py"))


def _cache_folder() -> Path:
    digest = hashlib.sha256()
    for source in _sources():
        digest.update(source.read_bytes())
    name = f"numba-{digest.hexdigest()[:16]}"
    beside = Path(__file__).resolve().parent / "__pycache__" / name
    with suppress(OSError):
        beside.mkdir(parents=True, exist_ok=True)
    if os.access(beside, os.W_OK):
        return beside
    return Path(tempfile.gettempdir()) / f"hfptm-{name}"  # an installation owned by somebody else


numba.config.CACHE_DIR = str(_cache_folder())

_OPTIONS: dict[str, Any] = {"_nrt": False, "error_model": "numpy"}

_INNER_OPTIONS: dict[str, Any] = {**_OPTIONS, "no_cfunc_wrapper": True}

_inner: set[str] = set()
"""Names of the functions that only kernels call."""

_libraries: Any = CPUCodeLibrary
_optimize_module = _libraries._optimize_final_module


def _optimize_outermost(library: Any) -> None:
    """Leave the module of an inner function as it is: its callers optimise it with their own.

    Numba would optimise each function with all that it calls, and then again within each caller:
    two fifths of the time to compile `run_rows`, for machine code that is as fast.
    """
    if library.name not in _inner:
        _optimize_module(library)


_libraries._optimize_final_module = _optimize_outermost


def _compile_once(dispatcher: Any) -> Any:
    """Make every integer argument an int64, so that a function is compiled once.

    Numba would compile it anew for each literal and each width it is called with, and for each
    caller again.
    """
    if INTERPRETED:
        return dispatcher
    template = dispatcher.get_call_template

    def widened(arguments: Any, keywords: Any) -> Any:
        integers = numba.types.Integer
        return template(
            tuple(
                numba.types.int64
                if isinstance(numba.types.unliteral(argument), integers)
                else argument
                for argument in arguments
            ),
            keywords,
        )

    dispatcher.get_call_template = widened
    return dispatcher


def hot(function: Function) -> Function:
    """For what every row runs through: always inlined, since a call costs more than the work."""
    _inner.add(function.__qualname__)
    compiled: Function = _compile_once(numba.njit(forceinline=True, **_INNER_OPTIONS)(function))
    return compiled


def cold(function: Function) -> Function:
    """For what few rows reach: kept out of the row loop.

    Says so itself, or it would be inlined everywhere where a `hot` caller is compiled first: numba
    hands the options of a caller on.
    """
    _inner.add(function.__qualname__)
    compiled: Function = _compile_once(numba.njit(forceinline=False, **_INNER_OPTIONS)(function))
    return compiled


def entry(function: Function) -> Function:
    """For what Python calls: compiled once a machine, kept on disk."""
    compiled: Function = numba.njit(cache=True, nogil=True, **_OPTIONS)(function)
    return compiled


def is_cached(function: Callable[..., Any]) -> bool:
    """Whether this machine holds the machine code of an `entry` of this version, or needs none."""
    if INTERPRETED:
        return True
    compiled: Any = function
    return any(Path(compiled.stats.cache_path).glob(f"*.{compiled.__name__}-*.nbc"))


def records(dtype: np.dtype[Any], shape: int | tuple[int, ...]) -> Array:
    """Zeroed rows whose fields are attributes both compiled and interpreted."""
    return as_records(np.zeros(shape, dtype))


def as_records(rows: Array) -> Array:
    plain = rows.view(np.ndarray)
    return plain.view(np.dtype((_Row, plain.dtype))) if INTERPRETED else plain


class _Row(np.void):  # type: ignore[misc]
    """A row whose fields are attributes, also where numpy has one of the same name (`flags`)."""

    def __getattribute__(self, name: str) -> Any:
        if name in super().__getattribute__("dtype").fields:
            return self[name]
        return super().__getattribute__(name)

    def __setattr__(self, name: str, value: Any) -> None:
        self[name] = value


@intrinsic
def _prefetch(_context: Any, array: Any, _index: Any) -> Any:
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


prefetch: Any = _no_prefetch if INTERPRETED else _prefetch
"""Ask the processor for `array[index]` ahead of its use; index must lie within the array."""
