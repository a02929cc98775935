#!/bin/sh
# Makes one tcp_close of a client that sent 5 bytes (and its server's).
# pick: ."event" == "podtrace.tcp.connection" and ."podtrace.tcp.sent" == 5
exec python3 -c '
import socket
listener = socket.create_server(("127.0.0.1", 27008))
client = socket.create_connection(("127.0.0.1", 27008))
server, _ = listener.accept()
client.sendall(b"hello")
server.recv(5)
client.close()
server.recv(1)
server.close()
'
