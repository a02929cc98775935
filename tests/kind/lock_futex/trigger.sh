#!/bin/sh
# Makes one wait on a futex that takes longer than --lock-slow: for a second and a half, for a lock that nobody gives up.
# pick: ."event" == "podtrace.lock.futex" and ."thread.name" == "kind-lock"
exec python3 -c '
import ctypes, platform
class Time(ctypes.Structure):
    _fields_ = [("s", ctypes.c_long), ("ns", ctypes.c_long)]
libc = ctypes.CDLL(None)
libc.prctl(15, b"kind-lock", 0, 0, 0)
libc.syscall(202 if platform.machine() == "x86_64" else 98, ctypes.byref(ctypes.c_int(1)), 0, 1, ctypes.byref(Time(1, 500000000)))
'
