#!/bin/sh
# Makes one http_request that nobody answers: told when its connection is closed.
# pick: ."event" == "podtrace.http.request" and ."url.path" == "/trigger"
exec python3 -c '
import socket
listener = socket.create_server(("127.0.0.80", 0))
client = socket.create_connection(listener.getsockname())
client.sendall(b"GET /trigger HTTP/1.1\r\nHost: nobody\r\n\r\n")
'
