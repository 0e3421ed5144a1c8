"""The C interface, `attn_grid/c.h`: what Python needs of it."""

import builtins
import ctypes
import os
import pathlib

VERSION = "0.1"  # of the library's file: it changes with the interface


class Error(Exception):
    """The base of all errors of this library."""


class InvalidArgument(Error, ValueError):
    """Shapes, ranges or options conflict: change the call."""


class CompileError(InvalidArgument):
    """A kernel's source is wrong; the text holds the diagnostics."""


class DTypeError(Error, TypeError):
    """An element type other than the one wanted."""


class KeyError(Error, builtins.KeyError):  # noqa: A001
    """An unknown name: a kernel, a parameter, a const."""

    __str__ = Exception.__str__  # not in quotes


class OutOfRange(Error, IndexError):
    """An index or position beyond what it indexes."""


class Unsupported(Error, NotImplementedError):
    """Legal, but this version or device cannot do it."""


class BackendError(Error, OSError):
    """The device, the operating system or a file failed."""


# By `ag_status`.
ERRORS = [None, InvalidArgument, CompileError, DTypeError, KeyError, OutOfRange,
          Unsupported, BackendError, MemoryError, Error]  # fmt: skip

KIND_NONE, KIND_INT, KIND_FLOAT, KIND_BOOL, KIND_DTYPE, KIND_TENSOR, KIND_OUT = range(7)
MODE_IN = 0


class Union(ctypes.Union):
    _fields_ = [
        ("integer", ctypes.c_int64),
        ("number", ctypes.c_double),
        ("dtype", ctypes.c_uint),
        ("tensor", ctypes.c_void_p),
    ]


class Value(ctypes.Structure):
    _fields_ = [("kind", ctypes.c_uint), ("of", Union)]


class Arg(ctypes.Structure):
    _fields_ = [("name", ctypes.c_char_p), ("value", Value)]


class Param(ctypes.Structure):
    _fields_ = [
        ("name", ctypes.c_char_p),
        ("is_tensor", ctypes.c_int32),
        ("rank", ctypes.c_int32),
        ("mode", ctypes.c_uint),
        ("may_be_left_away", ctypes.c_int32),
    ]


class Info(ctypes.Structure):
    _fields_ = [
        ("data", ctypes.c_void_p),
        ("dtype", ctypes.c_uint),
        ("rank", ctypes.c_int32),
        ("sizes", ctypes.c_int64 * 8),
        ("strides", ctypes.c_int64 * 8),
        ("elements", ctypes.c_int64),
        ("is_contiguous", ctypes.c_int32),
        ("device", ctypes.c_uint),
        ("device_index", ctypes.c_int32),
    ]


class Variant(ctypes.Structure):
    _fields_ = [
        ("key", ctypes.c_char_p),
        ("compile_ms", ctypes.c_double),
        ("cached", ctypes.c_int32),
        ("from_disk", ctypes.c_int32),
    ]


def _load():
    name = f"libattn_grid_runtime.so.{VERSION}"
    stated = os.environ.get("ATTN_GRID_LIBRARY")
    if stated:
        return ctypes.CDLL(stated)
    # `cmake --install` puts this file under <prefix>/share/attn_grid/python.
    parents = pathlib.Path(__file__).resolve().parents
    for prefix in parents[4:5]:
        for found in sorted(prefix.glob(f"lib*/{name}")) + sorted(prefix.glob(f"lib/*/{name}")):
            return ctypes.CDLL(str(found))
    try:
        return ctypes.CDLL(name)
    except OSError as error:
        raise ImportError(
            f"attn_grid: {name} is not installed where the system looks for "
            "libraries; state its path in the environment variable "
            f"ATTN_GRID_LIBRARY ({error})"
        ) from None


_library = _load()

# The arguments of each function: p a handle or an address, s a text, n a size_t,
# i an int. Handles are freed by functions that return nothing.
_TYPES = {
    "p": ctypes.c_void_p,
    "s": ctypes.c_char_p,
    "n": ctypes.c_size_t,
    "i": ctypes.c_int,
}
_SIGNATURES = {
    "dtype_named": "sp", "set_num_threads": "i",
    "compile_in_background": "i", "wait_for_compiles": "",
    "stream_create": "sp", "stream_wrap": "spp", "stream_enter": "p", "stream_leave": "",
    "stream_done": "pp", "stream_synchronize": "p", "stream_record": "pp",
    "stream_wait": "pp", "event_done": "pp", "event_synchronize": "p",
    "event_milliseconds": "ppp",
    "tensor_get_info": "pp", "tensor_from_dlpack": "pp", "tensor_to_dlpack": "pp",
    "tensor_to": "psp",
    "module_from_file": "spnp", "module_from_source": "sspnp", "module_size": "pp",
    "module_kernel_name": "pnp", "module_kernel": "pspnp",
    "kernel_name": "pp", "kernel_doc": "pp", "kernel_size": "pp", "kernel_param": "pnp",
    "kernel_launch": "ppnp", "kernel_prepare": "ppnp",
    "launch_run": "p", "launch_results": "pp", "launch_variant": "pp",
    "results_size": "pp", "results_name": "pnp", "results_tensor": "pnp",
}  # fmt: skip
for _name, _letters in _SIGNATURES.items():
    _function = getattr(_library, "ag_" + _name)
    _function.argtypes = [_TYPES[letter] for letter in _letters]
    _function.restype = ctypes.c_uint
for _kind in ("tensor", "module", "kernel", "launch", "results", "stream", "event"):
    _function = getattr(_library, f"ag_{_kind}_free")
    _function.argtypes, _function.restype = [ctypes.c_void_p], None
for _name in ("last_error", "version"):
    getattr(_library, "ag_" + _name).restype = ctypes.c_char_p


def call(name, *args):
    """Calls `ag_<name>`; raises what its status says."""
    status = getattr(_library, "ag_" + name)(*args)
    if status:
        raise ERRORS[status](_library.ag_last_error().decode())


def get(name, *args, type=ctypes.c_void_p):
    """Calls `ag_<name>` and returns what it writes through its last pointer."""
    made = type()
    call(name, *args, ctypes.byref(made))
    return made if issubclass(type, ctypes.Structure) else made.value


class Handle:
    """Owns a handle of the C interface."""

    def __init__(self, kind, address):
        self.address = address
        self._free = getattr(_library, f"ag_{kind}_free")

    def __del__(self):
        self._free(self.address)


def version():
    return _library.ag_version().decode()


def num_threads():
    """How many threads a launch uses."""
    return _library.ag_num_threads()


def set_num_threads(threads):
    """Sets that for later launches; 0 is the default."""
    call("set_num_threads", threads)


def compile_in_background(on):
    """True: a launch whose variant is not there yet runs one that assumes
    nothing of the strides, while its own compiles on another thread."""
    call("compile_in_background", bool(on))


def wait_for_compiles():
    """Waits until what launches have asked for so far is compiled."""
    call("wait_for_compiles")
