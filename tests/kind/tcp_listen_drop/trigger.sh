#!/bin/sh
# Makes one tcp_listen_drop, when the listener ends: its queue holds one connection, so the
# second one's SYN is dropped.
# pick: ."event" == "podtrace.tcp.listen_drop" and ."server.port" == 27011
exec python3 -c '
import socket, time
listener = socket.create_server(("127.0.0.1", 27011), backlog=0)
first = socket.create_connection(("127.0.0.1", 27011))
second = socket.socket()
second.setblocking(False)
second.connect_ex(("127.0.0.1", 27011))
time.sleep(0.2)
second.close()
listener.close()
'
