#!/bin/sh
# Makes one tcp_retransmit: the queue of the listener holds one connection, so the second one's
# SYN is dropped, and sent again after a second.
# pick: ."event" == "podtrace.tcp.retransmit" and ."network.peer.port" == 27009
exec python3 -c '
import socket, time
listener = socket.create_server(("127.0.0.1", 27009), backlog=0)
first = socket.create_connection(("127.0.0.1", 27009))
second = socket.socket()
second.setblocking(False)
second.connect_ex(("127.0.0.1", 27009))
time.sleep(1.7)
'
