#!/bin/sh
# Makes one lookup that fails, by the C library that python3 has.
# pick: ."event" == "podtrace.lookup.getaddrinfo.failed" and ."dns.question.name" == "podtrace-kind.invalid"
exec python3 -c '
import socket, time
time.sleep(0.5)  # until its library is found
try:
    socket.getaddrinfo("podtrace-kind.invalid", 80, flags=socket.AI_NUMERICHOST)
except socket.gaierror:
    pass
'
