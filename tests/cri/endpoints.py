# SPDX-License-Identifier: Apache-2.0
"""What a client may find at the path of a CRI socket, other than a runtime.

    with endpoints.hanging(folder) as end:
        end.path                    # what to connect to
        end.connections             # how many came; end.received: all bytes they sent

PLACES are paths at which nothing can answer, SPEAKERS answer on the socket but not as a CRI does, FRAMES speak HTTP/2 and
break gRPC. `all_of(folder)` is each of them, by name.
"""

import contextlib
import os
import pathlib
import random
import socket
import struct
import threading

NAME = 'cri.sock'
READ = 65536


class Endpoint:
    """Something at PATH. SPEAK(connection, first) is run for each connection in a thread of its own with the first bytes
    that came; without it there is no listener."""

    def __init__(self, path, speak=None, listen=True):
        self.path, self.speak = str(path), speak
        self.connections, self.received = 0, b''
        self._lock = threading.Lock()
        self._open = []
        self._socket = None
        if listen:
            self._socket = socket.socket(socket.AF_UNIX)
            self._socket.bind(self.path)

    def __enter__(self):
        if self._socket and self.speak:
            self._socket.listen(64)
            threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_):
        with self._lock:
            connections, self._open = self._open, None
        for connection in connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)  # wakes who reads
        if self._socket:
            with contextlib.suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)
            self._socket.close()

    def _accept(self):
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return  # closed by __exit__
            with self._lock:
                if self._open is None:
                    connection.close()
                    return
                self.connections += 1
                self._open.append(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        with connection, contextlib.suppress(OSError):
            self.speak(self, connection)

    def read(self, connection) -> bytes:
        """What comes next; b'' at the end."""
        data = connection.recv(READ)
        with self._lock:
            self.received += data
        return data

    def drain(self, connection):
        while self.read(connection):
            pass


# ---- places -------------------------------------------------------------------------------------------------------

def missing(folder):
    return Endpoint(pathlib.Path(folder, NAME), listen=False)


def regular_file(folder):
    end = missing(folder)
    pathlib.Path(end.path).write_text('no socket\n', encoding='ascii')
    return end


def directory(folder):
    """What a volume of type DirectoryOrCreate makes where there is no socket."""
    end = missing(folder)
    os.mkdir(end.path)
    return end


def dangling(folder):
    end = missing(folder)
    os.symlink('gone.sock', end.path)
    return end


def refusing(folder):
    """Bound, and nobody listens: what a killed runtime leaves."""
    return Endpoint(pathlib.Path(folder, NAME))


# ---- speakers -----------------------------------------------------------------------------------------------------

def _speaker(speak):
    return lambda folder: Endpoint(pathlib.Path(folder, NAME), speak)


def _hang(end, connection):
    end.drain(connection)


def _close(_end, _connection):
    pass


def _garbage(end, connection):
    end.read(connection)
    connection.sendall(random.Random(1).randbytes(100_000))
    end.drain(connection)


def _endless_garbage(end, connection):
    end.read(connection)
    dice = random.Random(2)
    while True:
        connection.sendall(dice.randbytes(READ))


def _http1(end, connection):
    """As a server without HTTP/2 answers the preface."""
    end.read(connection)
    connection.sendall(b'HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nContent-Length: 11\r\n'
                       b'Connection: close\r\n\r\nBad Request')


def _echo(end, connection):
    while data := end.read(connection):
        connection.sendall(data)


hanging, closing, garbage = _speaker(_hang), _speaker(_close), _speaker(_garbage)
endless_garbage, http1, echo = _speaker(_endless_garbage), _speaker(_http1), _speaker(_echo)


# ---- HTTP/2 that is right, gRPC that is not ----------------------------------------------------------------------

PREFACE = b'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'
DATA, HEADERS, RST_STREAM, SETTINGS, PING, GOAWAY = 0, 1, 3, 4, 6, 7
END_STREAM = ACK = 1
END_HEADERS = 4


def frame(type_, flags, stream, payload=b'') -> bytes:
    return struct.pack('>I', len(payload))[1:] + bytes((type_, flags)) + struct.pack('>I', stream) + payload


def _text(value: bytes) -> bytes:
    return bytes((len(value),)) + value  # not Huffman, shorter than 127


def headers(*pairs, status=None) -> bytes:
    """A header block of literals that are not indexed (RFC 7541, 6.2.2). Status 200 and 404 are in the static table."""
    first = {None: b'', 200: b'\x88', 404: b'\x8d'}[status]
    return first + b''.join(b'\x00' + _text(name) + _text(value) for name, value in pairs)


def message(body: bytes, length=None, compressed=0) -> bytes:
    """The prefix of gRPC, true or not, and the message."""
    return bytes((compressed,)) + struct.pack('>I', len(body) if length is None else length) + body


GRPC = headers((b'content-type', b'application/grpc'), status=200)
OK = headers((b'grpc-status', b'0'))
VERSION_1 = b'\x0a\x050.1.0'  # the field `version` of a VersionResponse


def opening(stream):
    return frame(HEADERS, END_HEADERS, stream, GRPC)


def ending(stream, block=OK):
    return frame(HEADERS, END_HEADERS | END_STREAM, stream, block)


ANSWERS = {
    'message cut short': lambda n: opening(n) + frame(DATA, 0, n, message(VERSION_1, length=100)) + ending(n),
    'message of 4 GiB': lambda n: opening(n) + frame(DATA, 0, n, message(VERSION_1, length=0xffffffff)) + ending(n),
    'prefix cut short': lambda n: opening(n) + frame(DATA, 0, n, b'\0\0') + ending(n),
    'compressed': lambda n: opening(n) + frame(DATA, 0, n, message(VERSION_1, compressed=1)) + ending(n),
    'two messages': lambda n: opening(n) + frame(DATA, 0, n, 2 * message(VERSION_1)) + ending(n),
    'no protobuf': lambda n: opening(n) + frame(DATA, 0, n, message(b'\xff' * 20)) + ending(n),
    'text not UTF-8': lambda n: opening(n) + frame(DATA, 0, n, message(b'\x12\x03\xff\xfe\x1b')) + ending(n),
    'no message': lambda n: opening(n) + ending(n),
    'no status': lambda n: opening(n) + frame(DATA, END_STREAM, n, message(VERSION_1)),
    'status no number': lambda n: opening(n) + ending(n, headers((b'grpc-status', b'x'))),
    'never ends': opening,
    'not gRPC': lambda n: frame(HEADERS, END_HEADERS, n, headers((b'content-type', b'text/html'), status=200))
                + frame(DATA, END_STREAM, n, b'<html>'),
    'HTTP 404': lambda n: ending(n, headers((b'content-type', b'text/plain'), status=404)),
    'permission denied': lambda n: ending(n, GRPC + headers((b'grpc-status', b'7'), (b'grpc-message', b'not%20for%20you'))),
    'control characters': lambda n: ending(n, GRPC + headers((b'grpc-status', b'2'), (b'grpc-message', b'%1b[31mred%0a%00'))),
    'unimplemented': lambda n: ending(n, GRPC + headers((b'grpc-status', b'12'), (b'grpc-message', b'unknown service'))),
    'reset': lambda n: frame(RST_STREAM, 0, n, struct.pack('>I', 2)),
    'going away': lambda n: frame(GOAWAY, 0, 0, struct.pack('>II', 0, 0)),
    'frame of another stream': lambda n: frame(DATA, 0, n + 2, b'x'),
    'frame too large': lambda n: struct.pack('>I', 0xffffff)[1:] + bytes((DATA, 0)) + struct.pack('>I', n),
    'headers no HPACK': lambda n: frame(HEADERS, END_HEADERS, n, b'\xff\xff\xff\xff\xff\xff\xff'),
    'frame cut short': lambda n: opening(n)[:-5],
}
CUT = {'frame cut short'}  # after this the connection ends


class _Http2:
    """As much of a server as is needed: settings, pings, and one ANSWER to each request when it is complete."""

    def __init__(self, name):
        self.name, self.answer = name, ANSWERS[name]

    def __call__(self, end, connection):
        connection.sendall(frame(SETTINGS, 0, 0))
        self.end, self.connection, self.buffer = end, connection, b''
        if self._take(len(PREFACE)) != PREFACE:
            return
        while (head := self._take(9)) is not None:
            length, type_, flags = int.from_bytes(head[:3], 'big'), head[3], head[4]
            payload = self._take(length)
            if payload is None or not self._handle(type_, flags, struct.unpack('>I', head[5:])[0], payload):
                return

    def _take(self, size):
        while len(self.buffer) < size:
            data = self.end.read(self.connection)
            if not data:
                return None
            self.buffer += data
        taken, self.buffer = self.buffer[:size], self.buffer[size:]
        return taken

    def _handle(self, type_, flags, stream, payload) -> bool:
        if type_ in (SETTINGS, PING) and not flags & ACK:
            self.connection.sendall(frame(type_, ACK, 0, payload if type_ == PING else b''))
        if type_ in (HEADERS, DATA) and flags & END_STREAM:
            self.connection.sendall(self.answer(stream))
            return self.name not in CUT
        return True


def breaking(folder, name):
    """Answers each request with ANSWERS[name]."""
    return Endpoint(pathlib.Path(folder, NAME), lambda end, connection: _Http2(name)(end, connection))


# ---- all ----------------------------------------------------------------------------------------------------------

PLACES = {'missing': missing, 'regular file': regular_file, 'directory': directory, 'dangling link': dangling,
          'refusing': refusing}
SPEAKERS = {'hanging': hanging, 'closing': closing, 'garbage': garbage, 'endless garbage': endless_garbage,
            'HTTP/1': http1, 'echo': echo}
FRAMES = {name: (lambda folder, name=name: breaking(folder, name)) for name in ANSWERS}


def all_of(folder):
    """(name, endpoint), each in a folder of its own below FOLDER; not entered yet."""
    for number, (name, make) in enumerate({**PLACES, **SPEAKERS, **FRAMES}.items()):
        own = pathlib.Path(folder, f'e{number}')
        own.mkdir()
        yield name, make(own)
