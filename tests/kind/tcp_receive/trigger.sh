#!/bin/sh
# Makes one tcp_receive of 4321 bytes. The live view does not show this kind: take it from a capture, or count podtrace.tcp.calls.
# pick: ."event" == "podtrace.tcp.receive" and ."podtrace.tcp.bytes" == 4321
exec python3 -c '
import contextlib, socket
listener = socket.create_server(("127.0.0.1", 27013))
client = socket.create_connection(listener.getsockname())
server, _ = listener.accept()
client.sendall(b"x" * 4321)
server.recv(4321, socket.MSG_WAITALL)
'
