"""Reads OTLP requests, from protobuf bytes and from OTLP/JSON, into one form.

The form: plain dicts with the .proto files' own field names, repeated fields as lists, enums as numbers,
ids as lower-case hex, defaults and empty messages left out unless their presence means something.
So the bytes that podtrace sent and the line that a Collector wrote compare with `==`.

Bytes are decoded by Google's protoc with the official .proto files, not by code of ours: it refuses
invalid UTF-8 and prints a field that the .proto files do not know by its number.
"""

import base64
import json
import pathlib
import re
import subprocess

SIGNALS = {
    'traces': ('trace/v1/trace_service', 'opentelemetry.proto.collector.trace.v1.ExportTraceServiceRequest'),
    'metrics': ('metrics/v1/metrics_service', 'opentelemetry.proto.collector.metrics.v1.ExportMetricsServiceRequest'),
    'logs': ('logs/v1/logs_service', 'opentelemetry.proto.collector.logs.v1.ExportLogsServiceRequest'),
}
COLLECTOR = 'opentelemetry/proto/collector/'

INTS = {'int32', 'int64', 'uint32', 'uint64', 'sint32', 'sint64', 'fixed32', 'fixed64', 'sfixed32', 'sfixed64'}
FLOATS = {'float', 'double'}
SCALARS = INTS | FLOATS | {'bool', 'string', 'bytes'}


class DecodeError(Exception):
    """What was received is no OTLP request. `code` is 'utf8' or 'undecodable'."""

    def __init__(self, code: str, text: str):
        super().__init__(text)
        self.code = code


class Field:
    """One field of a message, as the .proto file declares it."""

    def __init__(self, name: str, type_: str, repeated: bool, presence: bool):
        self.name = name
        self.type = type_
        self.repeated = repeated
        self.presence = presence  # set and default are two different things: oneof, optional
        self.hex = type_ == 'bytes' and name.endswith('_id')  # OTLP/JSON writes ids in hex, other bytes in base64


class Schema:
    """The messages and enums of the .proto files below PROTO_DIR, and the ways to decode with them."""

    def __init__(self, proto_dir):
        self.dir = pathlib.Path(proto_dir)
        self.messages: dict = {}
        self.enums: dict = {}
        for path in sorted(self.dir.glob('opentelemetry/proto/**/v1/*.proto')):
            self._read(path.read_text(encoding='utf-8'))
        if not self.messages:
            raise FileNotFoundError(f'no OTLP .proto files below {self.dir}')

    def _read(self, text: str):
        """The OTLP files are regular: a statement or a brace a line, once comments are gone."""
        text = re.sub(r'//[^\n]*|/\*.*?\*/', '', text, flags=re.S)
        scope = []  # (keyword, full name) of each open brace
        for keyword, name, statement, close in re.findall(
                r'\b(message|enum|oneof|service|rpc)\s+(\w+)[^{;]*\{|([^{};]+;)|(\})', text):
            if close:
                scope.pop()
            elif keyword:
                outer = scope[-1][1] if scope else ''
                full = f'{outer}.{name}'.lstrip('.') if keyword == 'message' else outer
                scope.append((keyword, full))
                if keyword == 'message':
                    self.messages[full] = {}
            elif scope:
                self._statement(scope[-1], statement)

    def _statement(self, scope, statement: str):
        keyword, message = scope
        if keyword == 'enum':
            value = re.match(r'\s*(\w+)\s*=\s*(\d+)', statement)
            if value:
                self.enums[value[1]] = int(value[2])
        elif keyword in ('message', 'oneof'):
            field = re.match(r'\s*(repeated\s+|optional\s+)?([\w.]+)\s+(\w+)\s*=\s*\d+', statement)
            if field and field[2] != 'reserved':
                label = (field[1] or '').strip()
                presence = keyword == 'oneof' or label == 'optional'
                self.messages[message][field[3]] = Field(field[3], field[2], label == 'repeated', presence)

    def nested(self, message: str, field: Field):
        """The message type that FIELD of MESSAGE holds; None for a scalar or an enum."""
        if field.type in SCALARS:
            return None
        short = re.sub(r'^opentelemetry\.proto\.(\w+\.)*v\d+\.', '', field.type)
        outer = message.split('.')
        for depth in range(len(outer), -1, -1):  # the innermost scope wins, as protobuf has it
            full = '.'.join(outer[:depth] + [short])
            if full in self.messages:
                return full
        return None

    def from_bytes(self, signal: str, data: bytes) -> 'Decoded':
        """Decodes the body of an OTLP/HTTP request (already unzipped)."""
        path, request = SIGNALS[signal]
        done = subprocess.run(
            ['protoc', f'--proto_path={self.dir}', f'--decode={request}', f'{COLLECTOR}{path}.proto'],
            input=data, capture_output=True, check=False)
        complaint = done.stderr.decode(errors='replace').strip()
        # protoc 3.21 refuses invalid UTF-8, later ones print the message with a complaint only.
        if 'UTF-8' in complaint:
            raise DecodeError('utf8', complaint)
        if done.returncode:
            raise DecodeError('undecodable', complaint)
        decoded = Decoded(signal, len(data))
        lines = iter(done.stdout.decode('ascii').splitlines())
        decoded.message = _TextReader(self, lines, decoded.unknown).message(request.rsplit('.', 1)[-1], '')
        return decoded

    def from_json(self, signal: str, line: bytes) -> 'Decoded':
        """Decodes one OTLP/JSON request, such as a line of the Collector's file exporter."""
        try:
            tree = json.loads(line.decode('utf-8'))
        except UnicodeDecodeError as err:
            raise DecodeError('utf8', str(err)) from err
        except ValueError as err:
            raise DecodeError('undecodable', str(err)) from err
        decoded = Decoded(signal, len(line))
        request = SIGNALS[signal][1].rsplit('.', 1)[-1]
        decoded.message = _JsonReader(self, decoded.unknown).message(request, tree, '')
        return decoded


class Decoded:
    """A request in the one form, its size as received, and the paths of its unknown fields."""

    def __init__(self, signal: str, size: int):
        self.signal = signal
        self.size = size
        self.unknown: list = []
        self.message: dict = {}


class _TextReader:
    """protoc's text format: `name: value`, `name {` and `}`, one a line."""

    def __init__(self, schema: Schema, lines, unknown: list):
        self.schema = schema
        self.lines = lines
        self.unknown = unknown

    def message(self, type_: str, path: str) -> dict:
        fields = self.schema.messages[type_]
        out: dict = {}
        for line in self.lines:
            line = line.strip()
            if line == '}':
                break
            name, _, text = line.partition(': ') if not line.endswith('{') else (line[:-2], '', None)
            field = fields.get(name)
            if field is None:
                self.unknown.append(f'{path}.{name}')
                if text is None:
                    self._skip()
                continue
            inner = self.schema.nested(type_, field)
            value = self.message(inner, f'{path}.{name}') if text is None else self._scalar(field, text)
            _put(out, field, value)
        return out

    def _skip(self):
        """Past the body of an unknown message, whose fields are unknown by that alone."""
        depth = 1
        while depth:
            line = next(self.lines).strip()
            depth += line.endswith('{') - (line == '}')

    def _scalar(self, field: Field, text: str):
        if field.type in ('string', 'bytes'):
            raw = _unescape(text[1:-1])
            if field.type == 'string':
                return raw.decode('utf-8')
            return raw.hex() if field.hex else raw
        if field.type in INTS:
            return int(text)
        if field.type in FLOATS:
            return float(text)
        if field.type == 'bool':
            return text == 'true'
        return self.schema.enums.get(text) if text in self.schema.enums else int(text)


class _JsonReader:
    """The OTLP/JSON mapping: lowerCamelCase, 64-bit numbers as strings, ids in hex, enums as numbers."""

    def __init__(self, schema: Schema, unknown: list):
        self.schema = schema
        self.unknown = unknown

    def message(self, type_: str, tree: dict, path: str) -> dict:
        fields = {camel(name): field for name, field in self.schema.messages[type_].items()}
        out: dict = {}
        for key, value in tree.items():
            field = fields.get(key)
            if field is None:
                self.unknown.append(f'{path}.{key}')
                continue
            inner = self.schema.nested(type_, field)
            for item in value if field.repeated else [value]:
                _put(out, field, self.message(inner, item, f'{path}.{field.name}') if inner else self._scalar(field, item))
        return out

    def _scalar(self, field: Field, value):
        if field.type in FLOATS:
            return float(value)  # NaN and Infinity come as strings
        if field.type == 'bytes':
            return value.lower() if field.hex else base64.b64decode(value)
        if field.type in ('string', 'bool'):
            return value
        return int(value)


def _put(out: dict, field: Field, value):
    """Defaults and empty messages are left out unless they mean something: the Collector writes some that no one sent."""
    if field.repeated:
        out.setdefault(field.name, []).append(value)
    elif field.presence or value:
        out[field.name] = value


def camel(name: str) -> str:
    head, *rest = name.split('_')
    return head + ''.join(part.capitalize() for part in rest)


_ESCAPES = {'n': b'\n', 'r': b'\r', 't': b'\t', '"': b'"', "'": b"'", '\\': b'\\'}


def _unescape(text: str) -> bytes:
    """C escapes as protoc writes them: everything outside printable ASCII in octal."""
    out = bytearray()
    for octal, char, plain in re.findall(r'\\([0-7]{3})|\\(.)|([^\\]+)', text):
        out += bytes([int(octal, 8)]) if octal else _ESCAPES[char] if char else plain.encode('ascii')
    return bytes(out)
