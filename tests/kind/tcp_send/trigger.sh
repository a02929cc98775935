#!/bin/sh
# Makes one tcp_send that fails. The live view does not show this kind: take it from a capture, or count podtrace.tcp.calls.
# pick: ."event" == "podtrace.tcp.send" and ."error.type" == "EPIPE"
exec python3 -c '
import contextlib, socket
listener = socket.create_server(("127.0.0.1", 27012))
client = socket.create_connection(listener.getsockname())
server, _ = listener.accept()
client.shutdown(socket.SHUT_WR)
with contextlib.suppress(BrokenPipeError):
    client.send(b"hello")
'
