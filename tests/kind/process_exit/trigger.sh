#!/bin/sh
# Makes one process_exit with code 37: a subshell's. This shell's own is another, with code 0.
# pick: ."event" == "podtrace.process.exit" and ."process.exit.code" == 37
(exit 37) || :
