#!/bin/sh
# Makes one system call that fails as hardly another does: into the namespace of no descriptor. The live view does not
# show this kind: take it from a capture, or count podtrace.syscall.calls.
# pick: ."event" == "podtrace.syscall.call" and ."podtrace.syscall.name" == "setns" and ."error.type" == "EBADF"
exec python3 -c '
import ctypes
ctypes.CDLL(None).setns(-1, 0)
'
