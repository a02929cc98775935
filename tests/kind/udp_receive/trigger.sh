#!/bin/sh
# Makes one udp_receive that fails: the answer to what was sent is that nobody listens.
# pick: ."event" == "podtrace.udp.receive" and ."network.peer.port" == 27011 and ."error.type" == "ECONNREFUSED"
exec python3 -c '
import contextlib, socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.connect(("127.0.0.1", 27011))
s.send(b"hello")
with contextlib.suppress(ConnectionRefusedError):
    s.recv(5)
'
