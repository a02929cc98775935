#!/bin/sh
# Makes one tcp_connect that fails: nothing listens on port 1.
# pick: ."event" == "podtrace.tcp.connect.failed" and ."network.peer.port" == 1
exec python3 -c '
import socket
socket.socket().connect_ex(("127.0.0.1", 1))
'
