#!/bin/sh
# Sends one statement that fails, to a server that is not there: by the libpq that python3 finds.
# pick: ."event" == "podtrace.db.query.failed" and ."db.query.summary" == "SELECT podtrace_kind"
exec python3 -c '
import ctypes, time
pq = ctypes.CDLL("libpq.so.5")
pq.PQconnectdb.restype = pq.PQexec.restype = ctypes.c_void_p
conn = ctypes.c_void_p(pq.PQconnectdb(b"host=/nowhere"))
time.sleep(0.5)  # until its library is found
pq.PQexec(conn, b"SELECT 1 FROM podtrace_kind")
'
