"""Arrays of every dtype as arrays that a safetensors file can hold, and back to the same bits."""

import ml_dtypes
import numpy as np

_PLAIN = (
    "bool int8 int16 int32 int64 uint8 uint16 uint32 uint64 float16 float32 float64 complex64 complex128"
).split()
_EXTENDED = (
    "bfloat16 float8_e3m4 float8_e4m3 float8_e4m3b11fnuz float8_e4m3fn float8_e4m3fnuz float8_e5m2 "
    "float8_e5m2fnuz float8_e8m0fnu float4_e2m1fn int2 int4 uint2 uint4"
).split()

DTYPES: dict[str, np.dtype] = {name: np.dtype(name) for name in _PLAIN} | {
    name: np.dtype(getattr(ml_dtypes, name)) for name in _EXTENDED if hasattr(ml_dtypes, name)
}


def stored(dtype: np.dtype) -> np.dtype:
    """Return the dtype whose bits stand in the file for those of `dtype`."""
    if dtype.kind == "c":
        return np.dtype("float32" if dtype.itemsize == 8 else "float64")
    if dtype.name in _EXTENDED:
        return np.dtype("uint16" if dtype.itemsize == 2 else "uint8")
    return dtype


def stored_shape(dtype: np.dtype, shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return the shape in the file: a complex array has its two parts in a last axis."""
    return (*shape, 2) if dtype.kind == "c" else shape


def to_stored(array: np.ndarray) -> np.ndarray:
    """Return the array as the file holds it, in C order and native byte order, a copy."""
    native = np.array(array, dtype=array.dtype.newbyteorder("="), order="C", copy=True)
    flat = native.reshape(-1).view(stored(native.dtype))
    return flat.reshape(stored_shape(native.dtype, array.shape))


def from_stored(array: np.ndarray, dtype: np.dtype, shape: tuple[int, ...]) -> np.ndarray:
    """Return the array of `dtype` and `shape` whose bits are those of `array`, a copy."""
    return np.array(array, order="C", copy=True).reshape(-1).view(dtype).reshape(shape)
