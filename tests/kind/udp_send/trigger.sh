#!/bin/sh
# Makes one udp_send that fails: the answer to the one before it was that nobody listens.
# pick: ."event" == "podtrace.udp.send" and ."network.peer.port" == 27010 and ."error.type" == "ECONNREFUSED"
exec python3 -c '
import contextlib, socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.connect(("127.0.0.1", 27010))
s.send(b"hello")
with contextlib.suppress(ConnectionRefusedError):
    s.send(b"hello")
'
