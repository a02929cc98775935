#!/usr/bin/env python3
"""A receiver on loopback that records every request and answers by a script: what a Collector seldom does,
but proxies, load balancers and dying servers do.

    receiver.py DIR ANSWER...       prints its port, serves until standard input ends

The first request gets the first ANSWER, the second the second; the last one serves all that follow.

    ok                 200, an empty ExportXServiceResponse with partial_success present, as a Collector sends
    empty              200 without a body, as VictoriaMetrics sends
    gzip               200, the body compressed
    partial=N[,TEXT]   200, N items rejected, with the error message TEXT
    warning=TEXT       200, nothing rejected, a message only
    html               200 with a page instead of protobuf
    STATUS             that status with a google.rpc.Status body, such as 503
    STATUS,retry=N     with Retry-After: N seconds
    STATUS,date=N      with Retry-After as the HTTP date N seconds from now
    redirect=URL       301
    huge=BYTES         200 with a body of that size
    slow=SECONDS       200 after that time
    trickle=SECONDS    200, a byte of the body in each such time
    close              the connection closes before a reply
    cut                the connection closes in the middle of the reply's body
    rst                the connection is reset instead of a reply
    hold               no reply until the receiver stops

DIR gets NNNN-SIGNAL.json (time, connection, path, headers) and NNNN-SIGNAL.pb (the body, gunzipped) of the
request NNNN. In a test: `with Receiver(dir, ['503,retry=1', 'ok']) as receiver`, then look at .requests.
"""

import contextlib
import email.utils
import gzip
import http.server
import json
import pathlib
import socket
import struct
import sys
import threading
import time
from dataclasses import dataclass

SIGNALS = {'/v1/traces': 'traces', '/v1/metrics': 'metrics', '/v1/logs': 'logs'}
PAGE = b'<!DOCTYPE html><title>Welcome</title>'
# struct linger of a socket that is reset on close: the kernel drops what is unsent and sends RST.
NO_LINGER = struct.pack('ii', 1, 0)


@dataclass
class Request:
    """One request as it came. Two of the same `connection` came over the same TCP connection."""

    number: int
    time: float  # monotonic
    connection: int
    path: str
    headers: dict  # keys in lower case
    raw: bytes
    body: bytes  # raw, gunzipped

    @property
    def signal(self) -> str:
        return SIGNALS.get(self.path, 'other')


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes(out + bytes([value]))


def _bytes_field(number: int, data: bytes) -> bytes:
    return _varint(number << 3 | 2) + _varint(len(data)) + data


def partial_success(rejected: int, text: str) -> bytes:
    """Any of the three ExportXServiceResponse: they differ in names only."""
    inner = (b'\x08' + _varint(rejected) if rejected else b'') + (_bytes_field(2, text.encode()) if text else b'')
    return _bytes_field(1, inner)


def rpc_status(code: int, text: str) -> bytes:
    """google.rpc.Status, the body of an OTLP/HTTP error."""
    return b'\x08' + _varint(code) + _bytes_field(2, text.encode())


class Answers:
    """The words of the script. Each method sends one reply over HANDLER; the docstring above tells what."""

    def __init__(self, stopped: threading.Event):
        self.stopped = stopped

    @classmethod
    def known(cls, word: str) -> bool:
        return word[0].isdigit() or callable(getattr(cls, word.partition('=')[0], None))

    def give(self, handler, word: str):
        name, _, argument = word.partition('=')
        if word[0].isdigit():
            self._status(handler, word)
        elif argument:
            getattr(self, name)(handler, argument)
        else:
            getattr(self, name)(handler)

    def ok(self, handler):
        handler.reply(200, partial_success(0, ''))

    def empty(self, handler):
        handler.reply(200, b'')

    def gzip(self, handler):
        handler.reply(200, gzip.compress(partial_success(0, '')), ('Content-Encoding', 'gzip'))

    def partial(self, handler, argument):
        rejected, _, text = argument.partition(',')
        handler.reply(200, partial_success(int(rejected), text))

    def warning(self, handler, text):
        handler.reply(200, partial_success(0, text))

    def html(self, handler):
        handler.reply(200, PAGE, type_='text/html')

    def _status(self, handler, word):
        status, _, option = word.partition(',')
        name, _, value = option.partition('=')
        after = {'': None, 'retry': value, 'date': _http_date(float(value or 0))}[name]
        headers = [('Retry-After', after)] if after is not None else []
        handler.reply(int(status), rpc_status(14, f'scripted {status}'), *headers)

    def redirect(self, handler, url):
        handler.reply(301, b'', ('Location', url))

    def huge(self, handler, size):
        handler.reply(200, _bytes_field(99, bytes(int(size))))

    def slow(self, handler, seconds):
        self.stopped.wait(float(seconds))
        self.ok(handler)

    def trickle(self, handler, seconds):
        body = partial_success(0, 'slowly')
        handler.head(200, len(body))
        for i in range(len(body)):
            self.stopped.wait(float(seconds))
            handler.wfile.write(body[i:i + 1])

    def close(self, handler):
        handler.close_connection = True

    def cut(self, handler):
        handler.head(200, 1000)
        handler.wfile.write(b'\x0a')
        handler.close_connection = True

    def rst(self, handler):
        handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NO_LINGER)
        handler.close_connection = True

    def hold(self, handler):
        self.stopped.wait()
        handler.close_connection = True


def _http_date(seconds_from_now: float) -> str:
    return email.utils.formatdate(time.time() + seconds_from_now, usegmt=True)


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'

    def setup(self):
        super().setup()
        self.server.connections.add(self.connection)

    def finish(self):
        super().finish()
        self.server.connections.discard(self.connection)

    def do_POST(self):  # pylint: disable=invalid-name
        self.server.receiver.take(self)

    def read_body(self) -> bytes:
        if self.headers.get('Transfer-Encoding', '') != 'chunked':
            return self.rfile.read(int(self.headers.get('Content-Length', 0)))
        body = b''
        while size := int(self.rfile.readline().split(b';')[0], 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def head(self, status: int, length: int, *headers, type_: str = 'application/x-protobuf'):
        self.send_response(status)
        self.send_header('Content-Type', type_)
        self.send_header('Content-Length', str(length))
        for header in headers:
            self.send_header(*header)
        self.end_headers()

    def reply(self, status: int, body: bytes, *headers, type_: str = 'application/x-protobuf'):
        self.head(status, len(body), *headers, type_=type_)
        self.wfile.write(body)

    def log_message(self, format, *args):  # pylint: disable=redefined-builtin
        """Nothing: what came is on file."""


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, receiver):
        self.receiver = receiver
        self.connections: set = set()
        super().__init__(('127.0.0.1', receiver.port), _Handler)

    def shutdown_request(self, request):
        # The stock one sends FIN first, after which a reset is no longer one to the client.
        if request.getsockopt(socket.SOL_SOCKET, socket.SO_LINGER, len(NO_LINGER)) == NO_LINGER:
            request.close()
        else:
            super().shutdown_request(request)

    def drop_connections(self):
        for connection in list(self.connections):
            with contextlib.suppress(OSError):  # its client went first
                connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request, client_address):
        """A client that goes away is part of the game; a body that cannot be read is not."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


class Receiver:
    """The server. Takes any POST. PORT 0: a free one; give a number to come back after stop()."""

    def __init__(self, folder, script: list, port: int = 0):
        unknown = [word for word in script if not Answers.known(word)]
        if unknown or not script:
            raise ValueError(f'no such answers: {unknown}')
        self.folder = pathlib.Path(folder)
        self.script = list(script)
        self.port = port
        self.requests: list = []
        self._lock = threading.Condition()
        self._stopped = threading.Event()
        self._answers = Answers(self._stopped)
        self._server = None

    def __enter__(self):
        self.folder.mkdir(parents=True, exist_ok=True)
        self._server = _Server(self)
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_):
        self._stopped.set()
        self._server.shutdown()
        self._server.server_close()
        self._server.drop_connections()  # else kept-alive ones would be served for ever

    @property
    def url(self) -> str:
        return f'http://127.0.0.1:{self.port}'

    def take(self, handler):
        """Records the request of HANDLER and answers it; called from the connection's own thread."""
        raw = handler.read_body()
        with self._lock:
            number = len(self.requests)
            request = Request(number, time.monotonic(), handler.client_address[1], handler.path,
                              {key.lower(): value for key, value in handler.headers.items()}, raw, _unzipped(handler, raw))
            self._save(request)
            self.requests.append(request)
            self._lock.notify_all()
        self._answers.give(handler, self.script[min(number, len(self.script) - 1)])

    def wait(self, count: int, timeout: float = 10) -> list:
        """The requests, as soon as there are COUNT; TimeoutError if there are not in time."""
        with self._lock:
            if not self._lock.wait_for(lambda: len(self.requests) >= count, timeout):
                raise TimeoutError(f'{len(self.requests)} of {count} requests after {timeout} s')
            return list(self.requests)

    def _save(self, request: Request):
        stem = self.folder / f'{request.number:04}-{request.signal}'
        stem.with_suffix('.pb').write_bytes(request.body)
        stem.with_suffix('.json').write_text(json.dumps({
            'time': request.time, 'connection': request.connection, 'path': request.path,
            'headers': request.headers, 'bytes': len(request.raw)}, indent=1), encoding='utf-8')


def _unzipped(handler, raw: bytes) -> bytes:
    return gzip.decompress(raw) if handler.headers.get('Content-Encoding') == 'gzip' else raw


def main():
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    with Receiver(sys.argv[1], sys.argv[2:]) as receiver:
        print(receiver.port, flush=True)
        sys.stdin.read()


if __name__ == '__main__':
    main()
