#!/usr/bin/env python3
"""What every OTLP request of podtrace must hold to. A Collector takes nearly anything with a 200 (zero ids,
duplicate keys, invalid UTF-8, buckets that do not add up), so that it took a request proves little; this does.

    invariants.py --proto DIR [--window FROM..TO] [--limit BYTES] SIGNAL FILE...

SIGNAL is traces, metrics or logs. A FILE that ends in .json or .jsonl holds one OTLP/JSON request a line (as the
Collector's file exporter writes); any other is the protobuf body of one request. FROM and TO are UNIX seconds.
Files of one call are one history: series are followed from file to file, in the order given.
Each violation is a line `code path text`; exit code 1 if there is one.

In a test: Checker(schema).add_bytes('traces', body), then look at .violations.
"""

import argparse
import math
import pathlib
import sys
from collections import namedtuple

import otlp
from metric_rules import MetricRules, identity
from semconv import Registry

ENVELOPES = {
    'traces': ('resource_spans', 'scope_spans', 'spans'),
    'metrics': ('resource_metrics', 'scope_metrics', 'metrics'),
    'logs': ('resource_logs', 'scope_logs', 'log_records'),
}
ID_HEX = {'trace_id': 32, 'span_id': 16, 'parent_span_id': 16}
# podtrace's own limit of an uncompressed request; a Collector's gRPC receiver refuses more than 4 MiB.
SIZE_LIMIT = 2 << 20

# Every code that a violation can have. test_invariants.py holds a negative control for each.
CODES = {
    'undecodable': 'not an OTLP request at all',
    'utf8': 'a string field is not valid UTF-8',
    'unknown-field': 'a field that the official .proto files do not know',
    'size': 'the uncompressed request is over the limit',
    'empty': 'an envelope or metric with nothing in it',
    'schema-url': 'a resource or scope without the schema URL of our semantic conventions',
    'no-service-name': 'a resource without service.name',
    'container-split': 'one container.id in two resources of a request',
    'no-name': 'a scope, span, metric or attribute without a name',
    'duplicate-key': 'an attribute key twice in one list',
    'trace-id': 'missing, of the wrong length, or all zero',
    'span-id': 'missing, of the wrong length, or all zero',
    'parent-span-id': 'of the wrong length or all zero',
    'own-parent': 'a span that is its own parent',
    'span-kind': 'a span without a kind',
    'no-time': 'a time that must be there is not',
    'implausible-time': 'a time outside the window that the caller gave',
    'end-before-start': 'a span ends before it starts',
    'observed-before-time': 'a log record seen before it happened',
    'severity': 'a log record without a valid severity number',
    'not-finite': 'NaN or infinity',
    'temporality': 'a sum or histogram without temporality',
    'no-start': 'a point of a sum or histogram without a start time',
    'start-after-time': 'a point starts after its time',
    'no-value': 'a number point without a value',
    'duplicate-metric': 'a metric name twice in one scope of a request',
    'duplicate-point': 'the same attributes twice in one metric',
    'time-not-forward': 'a series goes back in time, or says two things of one moment',
    'start-changed': 'a cumulative series has a new start that is no reset',
    'delta-overlap': 'two deltas of a series cover the same time',
    'sum-fell': 'a monotonic sum, count or bucket fell without a new start',
    'histogram-lengths': 'there must be one more bucket than bounds',
    'histogram-sum': 'the buckets do not add up to the count, or no values have a sum',
    'histogram-bounds': 'bounds that do not increase',
    'histogram-range': 'min is above max',
    'exponential-buckets': 'more buckets than the SDK specification allows',
    'exponential-scale': 'a scale outside the data model',
    'exemplar-time': "an exemplar outside its point's (start, time]",
    'unknown-attribute': 'not in the semantic conventions (or deprecated) and not ours',
    'attribute-type': 'another type than in the semantic conventions',
    'attribute-enum': 'a value that a closed enum of the semantic conventions does not have',
    'unknown-metric': 'not in the semantic conventions (or deprecated) and not ours',
    'metric-unit': 'another unit than in the semantic conventions',
    'metric-instrument': 'another instrument than in the semantic conventions',
    'metric-value-type': 'integers for doubles or the other way round',
    'missing-attribute': 'an attribute that the semantic conventions require of a metric',
}

Violation = namedtuple('Violation', 'code path text')


class Checker:
    """Collects the violations of a history of requests. WINDOW: (from, to) in UNIX ns; None checks no clock."""

    def __init__(self, schema=None, window=None, limit: int = SIZE_LIMIT, registry=None):
        self.schema = schema
        self.window = window
        self.limit = limit
        self.registry = registry or Registry()
        self.violations: list = []
        self.metrics = MetricRules(self._report)

    def _report(self, code: str, path: str, text: str):
        assert code in CODES, code
        self.violations.append(Violation(code, path, text))

    def codes(self) -> list:
        return sorted({violation.code for violation in self.violations})

    def add_bytes(self, signal: str, body: bytes):
        self._add(self.schema.from_bytes, signal, body)

    def add_json(self, signal: str, line: bytes):
        self._add(self.schema.from_json, signal, line)

    def _add(self, decode, signal: str, data: bytes):
        try:
            self.add(decode(signal, data))
        except otlp.DecodeError as err:
            self._report(err.code, signal, str(err))

    def add(self, request: otlp.Decoded):
        if request.size >= self.limit:
            self._report('size', request.signal, f'{request.size} bytes')
        for path in request.unknown:
            self._report('unknown-field', request.signal + path, 'not in the .proto files')
        self._walk('', request.message)
        self._envelopes(request.signal, request.message)

    # ---- envelopes: request > resource > scope > item

    def _envelopes(self, signal: str, message: dict):
        by_resource, by_scope, items = ENVELOPES[signal]
        containers: dict = {}
        for path, entry in self._each('', message, by_resource):
            self._resource(path, entry, containers)
            who = identity(entry.get('resource', {}))
            for at, scope in self._each(path, entry, by_scope):
                self._schema_url(at, scope)
                if not scope.get('scope', {}).get('name'):
                    self._report('no-name', at, 'a scope without a name')
                if not scope.get(items):
                    self._report('empty', at, f'no {items}')
                self._items(signal, at, identity(who, scope.get('scope', {})), scope.get(items, []))

    def _each(self, path: str, message: dict, field: str):
        if not message.get(field):
            self._report('empty', path or field, f'no {field}')
        for i, entry in enumerate(message.get(field, [])):
            yield f'{path}.{field}[{i}]'.lstrip('.'), entry

    def _resource(self, path: str, entry: dict, containers: dict):
        self._schema_url(path, entry)
        attributes = {attribute.get('key'): attribute.get('value', {})
                      for attribute in entry.get('resource', {}).get('attributes', [])}
        if not attributes.get('service.name', {}).get('string_value'):
            self._report('no-service-name', path, 'a resource without service.name')
        container = attributes.get('container.id', {}).get('string_value')
        if container in containers:
            self._report('container-split', path, f'{container} also at {containers[container]}')
        if container:
            containers[container] = path

    def _schema_url(self, path: str, entry: dict):
        if entry.get('schema_url') != self.registry.schema_url:
            self._report('schema-url', path, f'{entry.get("schema_url")}, not {self.registry.schema_url}')

    def _items(self, signal: str, path: str, owner: str, items: list):
        if signal == 'metrics':
            self.metrics.scope(path, owner, items)
            for i, metric in enumerate(items):
                if not metric.get('name'):
                    continue  # told already
                self._registry(f'{path}.metrics[{i}]', self.registry.check_metric(metric))
            return
        check = self._span if signal == 'traces' else self._log
        for i, item in enumerate(items):
            check(f'{path}[{i}]', item)

    # ---- items

    def _span(self, path: str, span: dict):
        for field in ('trace_id', 'span_id'):
            if field not in span:
                self._report(field.replace('_', '-'), path, 'a span without it')
        if not span.get('name'):
            self._report('no-name', path, 'a span without a name')
        if not span.get('kind'):
            self._report('span-kind', path, 'unspecified')
        if span.get('span_id') and span.get('span_id') == span.get('parent_span_id'):
            self._report('own-parent', path, span['span_id'])
        start, end = span.get('start_time_unix_nano', 0), span.get('end_time_unix_nano', 0)
        if not start or not end:
            self._report('no-time', path, f'start {start}, end {end}')
        elif end < start:
            self._report('end-before-start', path, f'{end} < {start}')
        for i, link in enumerate(span.get('links', [])):
            for field in ('trace_id', 'span_id'):
                if field not in link:
                    self._report(field.replace('_', '-'), f'{path}.links[{i}]', 'a link without it')

    def _log(self, path: str, record: dict):
        observed, time = record.get('observed_time_unix_nano', 0), record.get('time_unix_nano', 0)
        if not time or not observed:
            self._report('no-time', path, f'time {time}, observed {observed}')
        elif observed < time:
            self._report('observed-before-time', path, f'{observed} < {time}')
        if 'span_id' in record and 'trace_id' not in record:
            self._report('trace-id', path, 'a span id without a trace id')
        if not 1 <= record.get('severity_number', 0) <= 24:
            self._report('severity', path, str(record.get('severity_number', 0)))

    # ---- everywhere: ids, times, numbers, attribute lists

    def _walk(self, path: str, node):
        if isinstance(node, dict):
            for key, value in node.items():
                self._field(f'{path}.{key}'.lstrip('.'), key, value)
        elif isinstance(node, list):
            for i, item in enumerate(node):
                self._walk(f'{path}[{i}]', item)
        elif isinstance(node, float) and not math.isfinite(node):
            self._report('not-finite', path, str(node))

    def _field(self, path: str, key: str, value):
        if key in ID_HEX and (len(value) != ID_HEX[key] or not int(value, 16)):
            self._report(key.replace('_', '-'), path, f'"{value}"')
        elif key.endswith('time_unix_nano') and value and self.window:
            if not self.window[0] <= value <= self.window[1]:
                self._report('implausible-time', path, f'{value} is outside {self.window}')
        elif key in ('attributes', 'filtered_attributes'):
            self._attributes(path, value, named=True)
        elif key == 'kvlist_value':
            self._attributes(path, value.get('values', []), named=False)
        elif key == 'data_points':
            self._exemplar_keys(path, value)
        self._walk(path, value)

    def _attributes(self, path: str, attributes: list, named: bool):
        """NAMED: the keys are attribute names, as opposed to those of a map inside one attribute's value."""
        seen = set()
        for attribute in attributes:
            key = attribute.get('key', '')
            if not key:
                self._report('no-name', path, 'an attribute without a key')
                continue
            if key in seen:
                self._report('duplicate-key', path, key)
            seen.add(key)
            if named:
                self._registry(path, self.registry.check_attribute(key, attribute.get('value', {})))

    def _exemplar_keys(self, path: str, points: list):
        """Filtered attributes are those that are not on the point."""
        for i, point in enumerate(points):
            keys = {attribute.get('key') for attribute in point.get('attributes', [])}
            for exemplar in point.get('exemplars', []):
                for attribute in exemplar.get('filtered_attributes', []):
                    if attribute.get('key') in keys:
                        self._report('duplicate-key', f'{path}[{i}].exemplars', attribute['key'])

    def _registry(self, path: str, found: list):
        for code, text in found:
            self._report(code, path, text)


def _window(text: str):
    start, end = (float(part) * 1e9 for part in text.split('..'))
    return int(start), int(end)


def main() -> int:
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument('--proto', required=True, help='folder with opentelemetry/proto/...')
    args.add_argument('--window', type=_window)
    args.add_argument('--limit', type=int, default=SIZE_LIMIT)
    args.add_argument('signal', choices=otlp.SIGNALS)
    args.add_argument('files', nargs='+', type=pathlib.Path)
    given = args.parse_args()

    checker = Checker(otlp.Schema(given.proto), given.window, given.limit)
    for file in given.files:
        if file.suffix in ('.json', '.jsonl'):
            for line in file.read_bytes().splitlines():
                checker.add_json(given.signal, line)
        else:
            checker.add_bytes(given.signal, file.read_bytes())
    for violation in checker.violations:
        print(*violation)
    return bool(checker.violations)


if __name__ == '__main__':
    sys.exit(main())
