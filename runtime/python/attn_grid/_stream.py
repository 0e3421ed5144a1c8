"""Streams: launches in order, beside Python and beside other streams."""

import ctypes
import threading

from . import _library as lib


class _Entered(threading.local):
    """The streams whose `with` blocks a thread is in, innermost last."""

    def __init__(self):
        self.streams = []


_entered = _Entered()


class Stream:
    """An order of launches on a device.

        stream = ag.Stream("cpu")
        with stream:
            made = flash(q, k, v, scale=0.125)   # queued: returns at once
        stream.synchronize()                     # now made.o is there

    A stream keeps the arrays of its launches until they have run. It runs what
    it holds before it goes.
    """

    def __init__(self, device="cpu", *, handle=None):
        """A stream of its own; or, with `handle`, one of a GPU's driver that
        another library made: `torch.cuda.current_stream().cuda_stream`."""
        self._device = device
        name = device.encode()
        made = (
            lib.get("stream_create", name)
            if handle is None
            else lib.get("stream_wrap", name, handle)
        )
        self._handle = lib.Handle("stream", made)
        self._kept = []

    def __enter__(self):
        lib.call("stream_enter", self._handle.address)
        _entered.streams.append(self)
        return self

    def __exit__(self, *error):
        _entered.streams.pop()
        lib.call("stream_leave")

    @property
    def done(self):
        """Has all that was queued run?"""
        return bool(lib.get("stream_done", self._handle.address, type=ctypes.c_int))

    def synchronize(self):
        """Waits until it has; raises what went wrong in the first launch that
        failed since the last call."""
        try:
            lib.call("stream_synchronize", self._handle.address)
        finally:
            self._kept.clear()

    def record(self):
        """The place behind all that is queued now."""
        return Event(lib.get("stream_record", self._handle.address))

    def wait(self, event):
        """What is queued from now on runs after that event."""
        lib.call("stream_wait", self._handle.address, event._handle.address)

    def __del__(self):
        if self._kept:
            lib.call("stream_synchronize", self._handle.address)


class Event:
    """A place in a stream."""

    def __init__(self, address):
        self._handle = lib.Handle("event", address)

    @property
    def done(self):
        """Has it been reached?"""
        return bool(lib.get("event_done", self._handle.address, type=ctypes.c_int))

    def synchronize(self):
        """Waits until it is."""
        lib.call("event_synchronize", self._handle.address)

    def milliseconds_since(self, begin):
        """The time from another event of the same device to this one."""
        return lib.get(
            "event_milliseconds",
            begin._handle.address,
            self._handle.address,
            type=ctypes.c_double,
        )


def keep(*objects):
    """Called after a launch with what it uses: this thread's streams keep it
    until they have run. Which of them the launch went to, its tensors say."""
    for stream in _entered.streams:
        if stream._kept and stream.done:
            stream._kept.clear()
        stream._kept.append(objects)
