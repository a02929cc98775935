#!/bin/sh
# Makes one tcp_state to LISTEN (and one back to CLOSE at the end). The live view does not show
# this kind: take it from a capture, or count podtrace.tcp.state.changes.
# pick: ."event" == "podtrace.tcp.state" and ."network.connection.state" == "listen"
exec python3 -c '
import socket
socket.create_server(("127.0.0.1", 27007))
'
