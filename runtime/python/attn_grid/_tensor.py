"""Arrays of other libraries as tensors, and back, by DLPack: no copies."""

import ctypes

from . import _library as lib

_api = ctypes.pythonapi
_api.PyCapsule_GetPointer.argtypes = [ctypes.py_object, ctypes.c_char_p]
_api.PyCapsule_GetPointer.restype = ctypes.c_void_p
_api.PyCapsule_SetName.argtypes = [ctypes.py_object, ctypes.c_char_p]
_api.PyCapsule_New.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p]
_api.PyCapsule_New.restype = ctypes.py_object
_api.PyCapsule_IsValid.argtypes = [ctypes.c_void_p, ctypes.c_char_p]
_api.PyCapsule_IsValid.restype = ctypes.c_int
_pointer_of = ctypes.PYFUNCTYPE(ctypes.c_void_p, ctypes.c_void_p, ctypes.c_char_p)(
    ("PyCapsule_GetPointer", _api)
)


class _Managed(ctypes.Structure):
    """The `DLManagedTensor` of dlpack.h."""

    _fields_ = [
        ("data", ctypes.c_void_p),
        ("device_type", ctypes.c_int32),
        ("device_id", ctypes.c_int32),
        ("ndim", ctypes.c_int32),
        ("dtype", ctypes.c_uint8 * 4),
        ("shape", ctypes.c_void_p),
        ("strides", ctypes.c_void_p),
        ("byte_offset", ctypes.c_uint64),
        ("context", ctypes.c_void_p),
        ("deleter", ctypes.CFUNCTYPE(None, ctypes.c_void_p)),
    ]


@ctypes.PYFUNCTYPE(None, ctypes.c_void_p)
def _drop_unused(capsule):
    """Deletes a tensor whose capsule nobody took; who takes one renames it."""
    if _api.PyCapsule_IsValid(capsule, b"dltensor"):
        address = _pointer_of(capsule, b"dltensor")
        _Managed.from_address(address).deleter(address)


# numpy's names of our dtypes, in the order of `ag_dtype`; None: it has none.
_TYPESTR = ["|b1", "|i1", "<i2", "<i4", "<i8", "|u1", "<u2", "<u4",
            "<f2", None, "<f4", "<f8", None, None]  # fmt: skip


# DLPack's numbers of `ag_device_kind`; it has none for the software GPU.
_DLPACK_DEVICES = [1, 2, 0]


class Tensor(lib.Handle):
    """A tensor that any library with `from_dlpack` takes over, and that
    `numpy.asarray` shares."""

    def __init__(self, address):
        super().__init__("tensor", address)

    def __dlpack__(self, *, stream=None, **_):
        managed = lib.get("tensor_to_dlpack", self.address)
        return _api.PyCapsule_New(managed, b"dltensor", _drop_unused)

    def __dlpack_device__(self):
        info = self._info()
        return (_DLPACK_DEVICES[info.device], info.device_index)

    def to(self, device):
        """The same elements on a device: "cpu", "cuda:0", "sim"."""
        return Tensor(lib.get("tensor_to", self.address, device.encode()))

    def _info(self):
        return lib.get("tensor_get_info", self.address, type=lib.Info)

    @property
    def shape(self):
        info = self._info()
        return tuple(info.sizes[: info.rank])

    @property
    def __array_interface__(self):
        info = self._info()
        if info.device != 0:
            raise AttributeError('numpy sees the CPU only: call .to("cpu") first')
        typestr = _TYPESTR[info.dtype]
        if typestr is None:
            raise AttributeError("numpy has no such dtype: use from_dlpack")
        item = int(typestr[2:])
        return {
            "version": 3,
            "typestr": typestr,
            "shape": tuple(info.sizes[: info.rank]),
            "strides": tuple(item * stride for stride in info.strides[: info.rank]),
            "data": (info.data or 0, False),
        }


def tensor_of(array):
    """A tensor that shares an array's memory and keeps it."""
    if isinstance(array, Tensor):
        return array
    if getattr(array, "requires_grad", False):
        raise lib.InvalidArgument(
            "the tensor requires a gradient, which a kernel does not record: "
            "pass tensor.detach(), and state the backward pass yourself"
        )
    capsule = _export(array)
    managed = _api.PyCapsule_GetPointer(capsule, b"dltensor")
    tensor = Tensor(lib.get("tensor_from_dlpack", managed))
    # Taken over: the capsule must not delete it.
    _api.PyCapsule_SetName(capsule, b"used_dltensor")
    return tensor


def _export(array):
    flags = getattr(array, "flags", None)
    if flags is not None and not getattr(flags, "writeable", True):
        # numpy refuses to share these by DLPack, which cannot say "read only".
        raise lib.InvalidArgument("the array is read-only: pass a copy")
    try:
        return array.__dlpack__()
    except BufferError as error:
        raise lib.InvalidArgument(f"the array cannot be shared: {error}") from None
    except (TypeError, RuntimeError) as error:
        raise lib.Unsupported(f"the array cannot be shared: {error}") from None


def importer_of(arrays):
    """What turns a tensor into an array of the library of the first of these."""
    for array in arrays:
        module = type(array).__module__.split(".")[0]
        if module == "torch":
            import torch.utils.dlpack

            return lambda tensor: torch.utils.dlpack.from_dlpack(tensor.__dlpack__())
        if module == "numpy":
            import numpy

            # Unlike `numpy.from_dlpack`, whose arrays cannot be written.
            return lambda tensor: (
                numpy.asarray(tensor) if hasattr(tensor, "__array_interface__") else tensor
            )
    return lambda tensor: tensor
