#!/bin/sh
# Makes one process_exec_failed: no such file.
# pick: ."event" == "podtrace.process.exec_failed" and ."process.executable.path" == "/nonexistent/podtrace-kind"
(exec /nonexistent/podtrace-kind) 2>/dev/null || :
