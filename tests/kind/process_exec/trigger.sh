#!/bin/sh
# Makes one process_exec: this shell becomes `uname`.
# pick: ."event" == "podtrace.process.exec" and ."process.command_args"[1] == "-r"
exec uname -r
