#!/bin/sh
# Makes one dns_lookup that nobody answers: told when podtrace ends, or after five seconds.
# pick: ."event" == "podtrace.dns.failure" and ."dns.question.name" == "nobody.example"
exec python3 -c '
import socket
query = b"\x12\x34\1\0\0\1\0\0\0\0\0\0\6nobody\7example\0\0\1\0\1"
socket.socket(type=socket.SOCK_DGRAM).sendto(query, ("127.0.0.59", 53))
'
