#!/bin/sh
# Makes one tcp_accept, 50 ms after the connection was there.
# pick: ."event" == "podtrace.tcp.accept" and ."network.local.port" == 27006
exec python3 -c '
import socket, time
listener = socket.create_server(("127.0.0.1", 27006))
client = socket.create_connection(("127.0.0.1", 27006))
time.sleep(0.05)
server, _ = listener.accept()
'
