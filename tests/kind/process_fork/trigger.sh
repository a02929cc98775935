#!/bin/sh
# Makes one process_fork: a subshell.
# pick: ."event" == "podtrace.process.fork"
(:)
:
