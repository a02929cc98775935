#!/bin/sh
# Makes one file_op: an open of what is not there.
# pick: ."event" == "podtrace.file.operation" and ."file.path" == "/nonexistent/podtrace-kind-file"
cat /nonexistent/podtrace-kind-file 2>/dev/null || :
