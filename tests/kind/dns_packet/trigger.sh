#!/bin/sh
# Sends one packet of DNS, a query that nobody hears. The live view does not show this kind: take it from a capture, or count
# podtrace.dns.packets.
# pick: ."event" == "podtrace.dns.packet" and ."server.address" == "127.0.0.59"
exec python3 -c '
import socket
query = b"\x12\x34\1\0\0\1\0\0\0\0\0\0\6nobody\7example\0\0\1\0\1"
socket.socket(type=socket.SOCK_DGRAM).sendto(query, ("127.0.0.59", 53))
'
