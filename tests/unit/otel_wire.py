#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Is one OTLP/JSON line the same message as these protobuf bytes?

otel_wire.py PROTO_DIR MESSAGE REQUEST.bin LINE.json

protoc, with the official .proto files, says what the bytes are; nothing of podtrace takes part.
Exit 0: equal, and no unknown field. 1: not, and stdout says where.
"""
import base64
import json
import re
import subprocess
import sys

TOKEN = re.compile(r'\s*(?:([A-Za-z_0-9]+)\s*(\{|:)|(\})|("(?:[^"\\]|\\.)*")|([^\s{}":]+))')
HEX = {"traceId", "spanId", "parentSpanId"}
BYTES = {"bytesValue"}
INT64 = re.compile(r"(UnixNano|intValue|asInt|^count|bucketCounts|zeroCount)$")


def camel(name):
    return re.sub(r"_+([a-z0-9])", lambda m: m.group(1).upper(), name)


def text_bytes(literal):
    return literal[1:-1].encode("latin-1").decode("unicode_escape").encode("latin-1")


def scalar(name, literal, enums):
    if literal.startswith('"'):
        raw = text_bytes(literal)
        if name in HEX:
            return raw.hex()
        return base64.b64encode(raw).decode() if name in BYTES else raw.decode("utf-8")
    if literal in ("true", "false"):
        return literal == "true"
    if literal in enums:
        return enums[literal]
    if INT64.search(name):
        return literal
    if re.fullmatch(r"-?\d+", literal):
        return int(literal)
    value = float(literal)
    if value != value:
        return "NaN"
    return value if abs(value) != float("inf") else ("Infinity" if value > 0 else "-Infinity")


def parse(tokens, enums):
    """protoc's text format, every field a list."""
    message = {}
    for name, after, close, _, _ in tokens:
        if close:
            return message
        if name.isdigit():
            raise ValueError(f"unknown field {name}")
        name = camel(name)
        if after == "{":
            value = parse(tokens, enums)
        else:
            token = next(tokens)
            value = scalar(name, token[3] or token[4] or token[0], enums)
        message.setdefault(name, []).append(value)
    return message


def tokenize(text):
    at = 0
    while at < len(text.rstrip()):
        m = TOKEN.match(text, at)
        if not m:
            raise ValueError(f"no text format: {text[at:at + 40]!r}")
        # a bare word as value (an enum, a number, inf) is not followed by ':' or '{'
        at = m.end()
        yield m.groups()


def same(ours, theirs, path):
    """ours: JSON. theirs: text format, all lists."""
    if isinstance(ours, dict):
        if set(ours) != set(theirs):
            raise ValueError(f"{path}: {sorted(ours)} is not {sorted(theirs)}")
        for name, value in ours.items():
            values = value if isinstance(value, list) else [value]
            if len(values) != len(theirs[name]):
                raise ValueError(f"{path}.{name}: {len(values)} is not {len(theirs[name])}")
            for i, pair in enumerate(zip(values, theirs[name])):
                same(*pair, f"{path}.{name}[{i}]")
    elif type(ours) in (int, float) and type(theirs) in (int, float):
        # protoc prints the shortest text that reads back, too
        if float(ours) != float(theirs):
            raise ValueError(f"{path}: {ours!r} is not {theirs!r}")
    elif type(ours) is not type(theirs) or ours != theirs:
        raise ValueError(f"{path}: {ours!r} is not {theirs!r}")


def enum_values(proto_dir):
    values = {}
    for name in ("trace", "logs", "metrics"):
        with open(f"{proto_dir}/opentelemetry/proto/{name}/v1/{name}.proto") as f:
            for m in re.finditer(r"^\s*([A-Z][A-Z0-9_]+)\s*=\s*(\d+);", f.read(), re.M):
                values[m.group(1)] = int(m.group(2))
    return values


def main(proto_dir, message, request, line):
    file = message.split(".")[3]
    with open(request, "rb") as f:
        decoded = subprocess.run(
            ["protoc", f"-I{proto_dir}", f"--decode={message}",
             f"opentelemetry/proto/collector/{file}/v1/{file}_service.proto"],
            stdin=f, capture_output=True, check=False)
    if decoded.returncode:
        raise ValueError(f"protoc: {decoded.stderr.decode().strip()}")
    with open(line, encoding="utf-8") as f:
        lines = f.read().rstrip("\n").split("\n")
    if len(lines) != 1:
        raise ValueError(f"{len(lines)} lines")
    same(json.loads(lines[0]), parse(tokenize(decoded.stdout.decode()), enum_values(proto_dir)), "")


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except ValueError as e:
        sys.exit(print(e) or 1)
