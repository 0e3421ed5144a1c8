"""Attention kernels as tile programs, launched on torch and numpy tensors.

    import attn_grid as ag

    flash = ag.Module.from_file("flash_fwd.ag").kernel("flash_fwd", causal=True)
    made = flash(q, k, v, scale=0.125)   # shares the memory of q, k and v
    o = made.o                           # made by the launch, of q's library
    flash(q, k, v, o)                    # or written in place
"""

import ctypes
import os

from . import _library as lib
from ._library import (  # noqa: F401
    BackendError,
    CompileError,
    DTypeError,
    Error,
    InvalidArgument,
    KeyError,
    OutOfRange,
    Unsupported,
    compile_in_background,
    num_threads,
    set_num_threads,
    wait_for_compiles,
)
from ._stream import Event, Stream, keep  # noqa: F401
from ._tensor import Tensor, importer_of, tensor_of
from ._tensor import tensor_of as as_tensor  # noqa: F401

__version__ = lib.version()


class Module:
    """A parsed and checked source file of kernels. Thread-safe."""

    def __init__(self, address):
        self._handle = lib.Handle("module", address)

    @classmethod
    def from_file(cls, path, include_dirs=()):
        """Reads a file; `import` searches its folder, then `include_dirs`."""
        return cls(lib.get("module_from_file", os.fsencode(path), *_folders(include_dirs)))

    @classmethod
    def from_source(cls, source, name="source.ag", include_dirs=()):
        """The same for text, which messages call `name`."""
        return cls(
            lib.get(
                "module_from_source", _text(source), _text(name), *_folders(include_dirs)
            )
        )

    @property
    def kernels(self):
        """The kernels' names, in the order of the source."""
        address = self._handle.address
        count = lib.get("module_size", address, type=ctypes.c_size_t)
        return [
            lib.get("module_kernel_name", address, i, type=ctypes.c_char_p).decode()
            for i in range(count)
        ]

    def kernel(self, name, **bindings):
        """A kernel with consts, extents (numbers) and dtypes (names such as
        "bf16", or dtypes of numpy or torch) bound by name."""
        args = (lib.Arg * len(bindings))()
        for arg, (key, value) in zip(args, bindings.items()):
            arg.name = key.encode()
            if isinstance(value, (bool, int, float)):
                _set_number(arg, value)
            else:
                arg.value.kind = lib.KIND_DTYPE
                arg.value.of.dtype = _dtype(value)
        return Kernel(
            lib.get("module_kernel", self._handle.address, _text(name), args, len(args))
        )


class Kernel:
    """A kernel of a module. Thread-safe."""

    def __init__(self, address):
        self._handle = lib.Handle("kernel", address)
        self.name = lib.get("kernel_name", address, type=ctypes.c_char_p).decode()
        self.__doc__ = lib.get("kernel_doc", address, type=ctypes.c_char_p).decode()
        count = lib.get("kernel_size", address, type=ctypes.c_size_t)
        params = [lib.get("kernel_param", address, i, type=lib.Param) for i in range(count)]
        #: The parameters' names, in the order of the signature.
        self.params = [param.name.decode() for param in params]
        self._written = {
            param.name.decode(): param.mode != lib.MODE_IN for param in params
        }

    def __call__(self, *args, **named):
        """Checks the arguments, compiles if these types are new, and runs.
        `None` is an optional tensor that is not there, or an output to be made;
        the outputs made are returned."""
        list_, kept, importer = self._arguments(args, named)
        made = lib.get("kernel_launch", self._handle.address, list_, len(list_))
        keep(self, *kept)
        return Results(made, importer)

    def prepare(self, *args, **named):
        """Checks, compiles and binds: a launch whose call looks nothing up."""
        list_, kept, importer = self._arguments(args, named)
        return Launch(
            lib.get("kernel_prepare", self._handle.address, list_, len(list_)), importer
        )

    def _arguments(self, args, named):
        given = [(None, value) for value in args] + list(named.items())
        list_ = (lib.Arg * len(given))()
        kept, arrays = [], []
        for i, (name, value) in enumerate(given):
            param = name or (self.params[i] if i < len(self.params) else None)
            arg = list_[i]
            arg.name = name.encode() if name else None
            if value is None:
                arg.value.kind = lib.KIND_NONE
            elif isinstance(value, (bool, int, float)):
                _set_number(arg, value)
            elif isinstance(value, Tensor) or (
                hasattr(value, "__dlpack__") and getattr(value, "shape", None) != ()
            ):
                tensor = tensor_of(value)
                kept.append(tensor)
                arrays.append(value)
                written = self._written.get(param, False)
                arg.value.kind = lib.KIND_OUT if written else lib.KIND_TENSOR
                arg.value.of.tensor = tensor.address
            elif hasattr(value, "item"):  # a scalar of numpy or torch
                _set_number(arg, value.item())
            else:
                raise lib.DTypeError(
                    f"{self.name}: expected a tensor, a number or None for "
                    f"{param or i}, found {type(value).__name__}"
                )
        return list_, kept, importer_of(arrays)


class Launch:
    """A bound launch. It keeps its tensors; one thread runs it at a time."""

    def __init__(self, address, importer):
        self._handle = lib.Handle("launch", address)
        self._importer = importer

    def __call__(self):
        """Runs, and returns the outputs that were left away."""
        lib.call("launch_run", self._handle.address)
        keep(self)
        return Results(lib.get("launch_results", self._handle.address), self._importer)

    @property
    def variant(self):
        """The compiled variant, as text."""
        return lib.get("launch_variant", self._handle.address, type=lib.Variant).key.decode()


class Results:
    """The tensors that a launch made: by name, by position, or in a loop."""

    def __init__(self, address, importer):
        handle = lib.Handle("results", address)
        count = lib.get("results_size", address, type=ctypes.c_size_t)
        self._tensors = {
            lib.get("results_name", address, i, type=ctypes.c_char_p).decode(): importer(
                Tensor(lib.get("results_tensor", address, i))
            )
            for i in range(count)
        }
        del handle

    def __getattr__(self, name):
        if name.startswith("_") or name not in self._tensors:
            raise AttributeError(f"the launch made no tensor called `{name}`")
        return self._tensors[name]

    def __getitem__(self, key):
        if isinstance(key, int):
            return list(self._tensors.values())[key]
        if key not in self._tensors:
            raise lib.KeyError(f"the launch made no tensor called `{key}`")
        return self._tensors[key]

    def __iter__(self):
        return iter(self._tensors.values())

    def __len__(self):
        return len(self._tensors)

    def __repr__(self):
        return f"Results({', '.join(self._tensors)})"


def _text(text):
    data = text.encode()
    if b"\0" in data:
        raise lib.InvalidArgument("a text holds a zero character")
    return data


def _folders(folders):
    list_ = (ctypes.c_char_p * len(folders))(*[os.fsencode(folder) for folder in folders])
    return list_, len(folders)


def _set_number(arg, value):
    if isinstance(value, bool):
        arg.value.kind, arg.value.of.integer = lib.KIND_BOOL, value
    elif isinstance(value, int):
        if not -(2**63) <= value < 2**63:
            raise lib.OutOfRange(f"{value} does not fit 64 bits")
        arg.value.kind, arg.value.of.integer = lib.KIND_INT, value
    else:
        arg.value.kind, arg.value.of.number = lib.KIND_FLOAT, value


_NUMPY_NAMES = {
    "bool": "bool", "int8": "i8", "int16": "i16", "int32": "i32", "int64": "i64",
    "uint8": "u8", "uint16": "u16", "uint32": "u32", "float16": "f16",
    "bfloat16": "bf16", "float32": "f32", "float64": "f64",
    "float8_e4m3fn": "f8e4m3", "float8_e5m2": "f8e5m2",
}  # fmt: skip


def _dtype(dtype):
    """The code of a dtype of ours, numpy or torch."""
    name = getattr(dtype, "__name__", None) or str(dtype)
    name = name.replace("torch.", "")
    return lib.get("dtype_named", _text(_NUMPY_NAMES.get(name, name)), type=ctypes.c_uint)
