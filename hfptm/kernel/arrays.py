"""Sets of arrays that kernels receive as one pointer, and how they lie in memory."""

from collections.abc import Callable
from typing import Any, ClassVar, Self, cast

import numba
import numpy as np
import numpy.typing as npt
from llvmlite import ir
from numba.core.datamodel import models
from numba.core.imputils import lower_getattr_generic
from numba.core.typing.templates import AttributeTemplate, infer_getattr
from numba.extending import intrinsic, register_model
from numba.np import arrayobj

from hfptm.kernel.jit import INTERPRETED, Array


def lanes_first(rows: Array) -> Array:
    """Rows whose last axis is that of the lanes, seen with that axis first (`Arrays.INNER`)."""
    return np.moveaxis(rows, -1, 0)


class Arrays:
    """A fixed set of named arrays, C-contiguous, that kernels receive as one pointer.

    Those in `INNER` have their first axis, the lanes, innermost in memory: lanes do the same things
    at the same time, and so they touch the same cache lines and pages, not one of each a lane.
    Passing two dozen arrays by value through every call made compiling ten times slower and a
    single call from Python cost 3 us. A subclass declares `FIELDS`: name -> (dtype, number of
    axes). `table` is what a compiled entry point takes; `opener` turns it back into the set.
    Interpreted, the table is the set itself.
    """

    FIELDS: ClassVar[dict[str, tuple[np.dtype[Any], int]]]
    INNER: ClassVar[frozenset[str]] = frozenset()
    table: Any

    def __init__(self, **arrays: Array) -> None:
        for name, (dtype, axes) in self.FIELDS.items():
            array = arrays.pop(name)
            setattr(self, name, array)
            is_whole = self.in_memory(name).flags.c_contiguous
            if array.dtype != dtype or array.ndim != axes or not is_whole:
                raise TypeError(f"{name}: expected {axes} axes of {dtype}")
        if arrays:
            raise TypeError(f"unknown arrays: {sorted(arrays)}")
        self.table = self if INTERPRETED else self._addresses()

    def _addresses(self) -> npt.NDArray[np.int64]:
        table = np.zeros((len(self.FIELDS), _TABLE_WIDTH), np.int64)
        for row, name in zip(table, self.FIELDS, strict=True):
            array = getattr(self, name)
            row[0] = array.ctypes.data
            row[1 : 1 + array.ndim] = array.shape
        return table

    def in_memory(self, name: str) -> Array:
        """An array with its axes as they lie in memory."""
        array: Array = getattr(self, name)
        return np.moveaxis(array, 0, -1) if name in self.INNER else array

    def arrays(self) -> dict[str, Array]:
        return {name: getattr(self, name) for name in self.FIELDS}

    def replace(self, **arrays: Array) -> Self:
        """The same set with some arrays exchanged."""
        return type(self)(**{**self.arrays(), **arrays})


_TABLE_WIDTH = 4
"""Words of a table row: address, then up to three lengths."""


class _ArraysType(numba.types.Type):
    def __init__(self, arrays: "type[Arrays]") -> None:
        self.inner = arrays.INNER
        self.fields = {
            field: numba.types.Array(
                numba.from_dtype(dtype), axes, "A" if field in self.inner else "C"
            )
            for field, (dtype, axes) in arrays.FIELDS.items()
        }
        super().__init__(arrays.__name__)


@register_model(_ArraysType)
class _ArraysModel(models.PrimitiveModel):
    def __init__(self, manager: Any, front_type: Any) -> None:
        words = ir.IntType(64).as_pointer()
        super().__init__(manager, front_type, words)  # type: ignore[no-untyped-call]


@infer_getattr
class _ArraysFields(AttributeTemplate):
    key = _ArraysType

    def generic_resolve(self, front_type: Any, name: str) -> Any:  # type: ignore[override]
        return front_type.fields.get(name)


@lower_getattr_generic(_ArraysType)  # type: ignore[untyped-decorator]
def _lower_field(context: Any, builder: Any, front_type: Any, table: Any, name: str) -> Any:
    array_type = front_type.fields[name]
    first = list(front_type.fields).index(name) * _TABLE_WIDTH

    def word(offset: int) -> Any:
        slot = builder.gep(table, [ir.IntType(64)(first + offset)])
        loaded = builder.load(slot)
        loaded.set_metadata("invariant.load", builder.module.add_metadata([]))
        return loaded

    shape = [word(1 + axis) for axis in range(array_type.ndim)]
    itemsize = context.get_constant(
        numba.types.intp, context.get_abi_sizeof(context.get_data_type(array_type.dtype))
    )
    # Axes by how far apart their neighbours are, the closest first.
    order = list(range(array_type.ndim))[::-1]
    if name in front_type.inner:
        order = [0, *order[:-1]]
    strides, apart = [itemsize] * array_type.ndim, itemsize
    for axis in order:
        strides[axis], apart = apart, builder.mul(apart, shape[axis])
    array = arrayobj.make_array(array_type)(context, builder)
    arrayobj.populate_array(
        array,
        data=builder.inttoptr(word(0), array.data.type),
        shape=shape,
        strides=strides,
        itemsize=itemsize,
        meminfo=None,
    )
    return array._getvalue()


def opener(arrays: type[Arrays]) -> Callable[[Any], Any]:
    """The function by which an entry point turns `Arrays.table` back into the arrays."""
    if INTERPRETED:
        return lambda table: table
    front_type = _ArraysType(arrays)

    @intrinsic
    def open_table(_context: Any, table: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            array = arrayobj.make_array(signature.args[0])(context, builder, arguments[0])
            return array.data

        return front_type(table), generate

    return cast(Callable[[Any], Any], open_table)
