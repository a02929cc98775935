#!/bin/sh
# Makes one tcp_reset that is received (and one that is sent): nothing listens on port 1.
# pick: ."event" == "podtrace.tcp.reset" and ."network.io.direction" == "receive"
exec python3 -c '
import socket
socket.socket().connect_ex(("127.0.0.1", 1))
'
