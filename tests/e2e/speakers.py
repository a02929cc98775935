# SPDX-License-Identifier: Apache-2.0
"""Programs that speak HTTP, as others wrote them, and what they say of each request themselves."""

import json
import os
import pathlib
import subprocess
import sys
import unittest

import rig

sys.path.append(str(rig.HERE.parent))

from cri import parts  # noqa: E402  pylint: disable=wrong-import-position

LOCK = rig.HERE / 'packages.lock'
SLOW = 0.15  # seconds that a slow answer takes
NGINX = """
daemon off;
user root;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ }}
http {{
	log_format told escape=json '{{"method":"$request_method","path":"$uri","status":$status,"received":$request_length,'
		'"sent":$bytes_sent,"seconds":$request_time}}';
	access_log {folder}/access.log told;
	client_body_temp_path {folder};
	proxy_temp_path {folder};
	fastcgi_temp_path {folder};
	uwsgi_temp_path {folder};
	scgi_temp_path {folder};
	sendfile on;
	upstream behind {{ server 127.0.0.1:{behind}; keepalive 4; }}
	server {{
		listen 127.0.0.1:{port};
		root {folder}/files;
		location /behind/ {{
			proxy_pass http://behind;
			proxy_http_version 1.1;
			proxy_set_header Connection "";
			proxy_buffering off;
		}}
	}}
}}
"""
# A server of Python's own that keeps connections, in chunks and whole, at once and slow.
SERVER = """
import http.server, sys, time

class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'
    disable_nagle_algorithm = True

    def answer(self):
        self.rfile.read(int(self.headers.get('Content-Length', 0)))
        if 'slow' in self.path:
            time.sleep(float(sys.argv[2]))
        self.send_response(503 if 'fail' in self.path else 200)
        if 'chunks' in self.path:
            self.send_header('Transfer-Encoding', 'chunked')
            self.end_headers()
            for text in (b'5\\r\\nGET /\\r\\n', b'0\\r\\n\\r\\n'):
                self.wfile.write(text)
        else:
            self.send_header('Content-Length', '7')
            self.end_headers()
            self.wfile.write(b'hello!\\n')

    do_GET = do_PUT = do_POST = answer

    def log_message(self, *args):
        pass

print('listens', http.server.ThreadingHTTPServer(('127.0.0.1', int(sys.argv[1])), Handler).serve_forever())
"""
# Requests one after the other on one connection; the client's own clock.
CLIENT = """
import http.client, json, sys, time

connection = http.client.HTTPConnection('127.0.0.1', int(sys.argv[1]))
for path in sys.argv[2:]:
    begin = time.monotonic()
    connection.request('GET', path)
    response = connection.getresponse()
    seconds = time.monotonic() - begin
    response.read()
    print(json.dumps({'method': 'GET', 'path': path.partition('?')[0], 'status': response.status, 'seconds': seconds}))
"""
# Client and server in one static program, as many connections as requests at a time.
GO = r"""
package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"os"
	"strings"
	"sync"
	"time"
)

type told struct {
	Method  string  `json:"method"`
	Path    string  `json:"path"`
	Status  int     `json:"status"`
	Seconds float64 `json:"seconds"`
}

func ask(client *http.Client, base, method, path, body string) told {
	var begin, end time.Time
	request, _ := http.NewRequest(method, base+path+"?token=s3cret", strings.NewReader(body))
	request = request.WithContext(httptrace.WithClientTrace(request.Context(), &httptrace.ClientTrace{
		WroteRequest:         func(httptrace.WroteRequestInfo) { begin = time.Now() },
		GotFirstResponseByte: func() { end = time.Now() },
	}))
	response, err := client.Do(request)
	if err != nil {
		panic(err)
	}
	io.Copy(io.Discard, response.Body)
	response.Body.Close()
	return told{method, path, response.StatusCode, end.Sub(begin).Seconds()}
}

func main() {
	slow, _ := time.ParseDuration(os.Args[1])
	http.HandleFunc("/slow", func(w http.ResponseWriter, r *http.Request) { time.Sleep(slow); w.WriteHeader(202) })
	http.HandleFunc("/echo", func(w http.ResponseWriter, r *http.Request) { io.Copy(w, r.Body) })
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	go http.Serve(listener, nil)
	base := "http://" + listener.Addr().String()
	client := &http.Client{}
	var all []told
	for i := 0; i < 10; i++ {
		all = append(all, ask(client, base, "PUT", "/echo", strings.Repeat("x", 1000*i)))
	}
	var lock sync.Mutex
	var group sync.WaitGroup
	for i := 0; i < 8; i++ {
		group.Add(1)
		go func() {
			defer group.Done()
			one := ask(client, base, "GET", "/slow", "")
			lock.Lock()
			all = append(all, one)
			lock.Unlock()
		}()
	}
	group.Wait()
	all = append(all, ask(client, base, "GET", "/nowhere", ""))
	for _, one := range all {
		line, _ := json.Marshal(one)
		fmt.Println(string(line))
	}
}
"""


def nginx() -> pathlib.Path:
    """The program, of Debian's package."""
    def unpack(folder):
        fetched = subprocess.run([rig.ROOT / 'third_party' / 'fetch.sh', LOCK], capture_output=True, text=True, check=False)
        if fetched.returncode:
            raise parts.Unavailable(fetched.stderr.strip())
        subprocess.run(['dpkg-deb', '-x', pathlib.Path(fetched.stdout.strip(), deb), folder], check=True)

    row = next(line.split() for line in LOCK.read_text(encoding='ascii').splitlines() if line.startswith('nginx '))
    deb = row[3].rpartition('/')[2]
    try:
        return parts.made(deb.removesuffix('.deb'), unpack) / 'usr' / 'sbin' / 'nginx'
    except parts.Unavailable as why:
        raise unittest.SkipTest(str(why)) from why


def go(folder) -> pathlib.Path:
    rig.needs('go')
    source, program = folder / 'speaker.go', folder / 'go-speaker'
    source.write_text(GO, encoding='ascii')
    subprocess.run(['go', 'build', '-o', program, source], check=True,
                   env={**os.environ, 'CGO_ENABLED': '0', 'GOFLAGS': '-mod=mod'})
    return program


def said(text) -> list:
    return list(map(json.loads, text.splitlines()))
