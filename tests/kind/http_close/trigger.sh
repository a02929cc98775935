#!/bin/sh
# Closes one connection on which there was one request. The live view does not show this kind: take it from a capture.
# pick: ."event" == "podtrace.http.close"
exec python3 -c '
import socket
listener = socket.create_server(("127.0.0.80", 0))
client = socket.create_connection(listener.getsockname())
client.sendall(b"GET /trigger HTTP/1.1\r\nHost: nobody\r\n\r\n")
'
