"""Runs a real OpenTelemetry Collector on loopback for a test.

    with Collector(folder) as collector:
        ... send to collector.url ...
        collector.wait('traces', 1)        # the requests as bytes, one OTLP/JSON line each

The ports are chosen once: stop() or kill() and start() again is a Collector that went away and came back.
A configuration of the test's own reads the same variables as collector.yaml.
"""

import http.client
import os
import pathlib
import signal
import socket
import subprocess
import time

HERE = pathlib.Path(__file__).parent
CONFIG = HERE / 'collector.yaml'
START_TIMEOUT = 30
STOP_TIMEOUT = 15


class Unavailable(Exception):
    """The Collector cannot be had on this machine, for the reason given: skip what needs it."""


def binary() -> str:
    """The Collector's path, built if need be."""
    done = subprocess.run([HERE / 'build.sh'], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
    if done.returncode == 77:
        raise Unavailable(done.stderr.strip().splitlines()[-1])
    if done.returncode:
        raise RuntimeError(f'build.sh: {done.stderr}')
    return done.stdout.strip()


def free_ports(count: int) -> list:
    """Ports that were free a moment ago: all held at once, so that they differ."""
    sockets = [socket.create_server(('127.0.0.1', 0)) for _ in range(count)]
    ports = [sock.getsockname()[1] for sock in sockets]
    for sock in sockets:
        sock.close()
    return ports


class Collector:
    """One Collector with its files in FOLDER. ENV adds variables for CONFIG to use."""

    def __init__(self, folder, config=CONFIG, env=None):
        self.folder = pathlib.Path(folder)
        self.config = pathlib.Path(config)
        self.grpc_port, self.http_port, self.health_port = free_ports(3)
        self.env = {**os.environ, **(env or {}), 'FOLDER': str(self.folder), 'GRPC_PORT': str(self.grpc_port),
                    'HTTP_PORT': str(self.http_port), 'HEALTH_PORT': str(self.health_port)}
        self.log = self.folder / 'otelcol.log'
        self.process = None

    @property
    def url(self) -> str:
        """The value for OTEL_EXPORTER_OTLP_ENDPOINT with OTLP/HTTP."""
        return f'http://127.0.0.1:{self.http_port}'

    @property
    def grpc_url(self) -> str:
        return f'http://127.0.0.1:{self.grpc_port}'

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        if self.process:
            self.resume()
            self.stop()

    def start(self):
        self.folder.mkdir(parents=True, exist_ok=True)
        with open(self.log, 'ab') as log:
            self.process = subprocess.Popen([binary(), '--config', self.config], env=self.env,
                                            stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        deadline = time.monotonic() + START_TIMEOUT
        while not self.healthy():
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.kill()
                raise RuntimeError(f'the Collector did not start:\n{self.log_text()[-3000:]}')
            time.sleep(0.05)

    def stop(self) -> int:
        """An orderly end; the exit code."""
        self.process.terminate()
        try:
            code = self.process.wait(STOP_TIMEOUT)
        except subprocess.TimeoutExpired:
            self.kill()
            raise
        self.process = None
        return code

    def kill(self):
        """The end of a node, or of a container over its memory limit."""
        self.process.kill()
        self.process.wait()
        self.process = None

    def pause(self):
        """Connections stay open and nobody reads them."""
        self.process.send_signal(signal.SIGSTOP)

    def resume(self):
        self.process.send_signal(signal.SIGCONT)

    def healthy(self) -> bool:
        client = http.client.HTTPConnection('127.0.0.1', self.health_port, timeout=1)
        try:
            client.request('GET', '/')
            return client.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            client.close()

    def log_text(self) -> str:
        return self.log.read_text(encoding='utf-8', errors='replace')

    def post(self, signal_: str, body: bytes, type_: str = 'application/x-protobuf') -> tuple:
        """Sends one request itself: (status, reply). With type_ 'application/json' a line of OTLP/JSON, so that a
        file of ours is read by the Collector's own JSON decoder, the one that its file receiver uses too."""
        client = http.client.HTTPConnection('127.0.0.1', self.http_port, timeout=10)
        try:
            client.request('POST', f'/v1/{signal_}', body, {'Content-Type': type_})
            reply = client.getresponse()
            return reply.status, reply.read()
        finally:
            client.close()

    def lines(self, signal_: str) -> list:
        """What the file exporter wrote: an OTLP/JSON request a line, as bytes. An unfinished last line is left out."""
        path = self.folder / f'{signal_}.jsonl'
        if not path.exists():
            return []
        *whole, _ = path.read_bytes().split(b'\n')
        return whole

    def wait(self, signal_: str, count: int, timeout: float = 10) -> list:
        """The lines of a signal, as soon as there are COUNT; TimeoutError if there are not in time."""
        deadline = time.monotonic() + timeout
        while len(lines := self.lines(signal_)) < count:
            if time.monotonic() > deadline:
                raise TimeoutError(f'{len(lines)} of {count} {signal_} requests after {timeout} s')
            time.sleep(0.02)
        return lines
