#!/usr/bin/env python3
"""Self-test of the invariant checker: what is right passes, and each wrong thing is flagged by its own code."""

import base64
import copy
import json
import unittest

import fixtures
import invariants
import otlp
import semconv

SCHEMA = otlp.Schema(fixtures.PROTO)
REQUESTS = {signal: SCHEMA.from_bytes(signal, fixtures.body(signal)) for signal in otlp.SIGNALS}
MINUTE = 60 * fixtures.SECOND

HISTOGRAM, EXPONENTIAL, COUNTER, UPDOWN, GAUGE = range(5)  # the metrics of fixtures/metrics.txtpb


def fresh(signal: str) -> otlp.Decoded:
    return copy.deepcopy(REQUESTS[signal])


def checker(window=fixtures.WINDOW) -> invariants.Checker:
    return invariants.Checker(SCHEMA, window)


def entry(message: dict) -> dict:
    """The one ResourceSpans, ResourceMetrics or ResourceLogs of a fixture."""
    return next(iter(message.values()))[0]


def resource(message: dict) -> dict:
    return entry(message)['resource']


def scope(message: dict) -> dict:
    return next(entry(message)[field] for field in entry(message) if field.startswith('scope_'))[0]


def item(message: dict, n: int = 0) -> dict:
    inside = scope(message)
    return next(inside[field] for field in ('spans', 'metrics', 'log_records') if field in inside)[n]


def data(message: dict, n: int) -> dict:
    return next(value for value in item(message, n).values() if isinstance(value, dict))


def point(message: dict, n: int) -> dict:
    return data(message, n)['data_points'][0]


def attribute(key: str, **value) -> dict:
    return {'key': key, 'value': value}


def add_to(place, *attributes):
    """A change that appends ATTRIBUTES to the list of what PLACE finds."""
    return lambda m: place(m).setdefault('attributes', []).extend(attributes)


def put(place, **fields):
    return lambda m: place(m).update(fields)


def drop(place, field: str):
    return lambda m: place(m).pop(field)


def doubled(m: dict):
    entries = next(iter(m.values()))
    entries.append(copy.deepcopy(entries[0]))


def without_keys(m: dict, *keys: str):
    attributes = resource(m)['attributes']
    attributes[:] = [a for a in attributes if a['key'] not in keys]


def pairs(place, field: str, values: list):
    return lambda m: place(m).__setitem__(field, values)


def of(n: int):
    return lambda m: point(m, n)


def metric(n: int):
    return lambda m: item(m, n)


def exemplar(m: dict) -> dict:
    return point(m, HISTOGRAM)['exemplars'][0]


# (code, signal, change that must be flagged with this code and with no other)
ONE_REQUEST = [
    ('empty', 'traces', lambda m: m.clear()),
    ('empty', 'traces', drop(scope, 'spans')),
    ('empty', 'logs', drop(entry, 'scope_logs')),
    ('empty', 'metrics', lambda m: data(m, GAUGE).pop('data_points')),
    ('schema-url', 'traces', drop(entry, 'schema_url')),
    ('schema-url', 'logs', drop(scope, 'schema_url')),
    ('schema-url', 'metrics', put(scope, schema_url='https://opentelemetry.io/schemas/1.0.0')),
    ('no-service-name', 'metrics', lambda m: without_keys(m, 'service.name')),
    ('no-service-name', 'logs', lambda m: m['resource_logs'][0].pop('resource')),
    ('container-split', 'traces', doubled),
    ('no-name', 'traces', put(item, name='')),
    ('no-name', 'traces', lambda m: scope(m).pop('scope')),
    ('no-name', 'traces', add_to(item, {'value': {'int_value': 1}})),
    ('no-name', 'metrics', drop(metric(UPDOWN), 'name')),
    ('duplicate-key', 'traces', add_to(resource, attribute('service.name', string_value='again'))),
    ('duplicate-key', 'traces', add_to(item, attribute('error.type', string_value='503'))),
    ('duplicate-key', 'traces', add_to(lambda m: item(m)['events'][0], attribute('podtrace.segments', int_value=1))),
    ('duplicate-key', 'traces', add_to(lambda m: item(m)['links'][0], *[attribute('podtrace.a', int_value=1)] * 2)),
    ('duplicate-key', 'traces', add_to(lambda m: scope(m)['scope'], *[attribute('podtrace.a', int_value=1)] * 2)),
    ('duplicate-key', 'traces', lambda m: resource(m)['attributes'][-1]['value']['kvlist_value']['values'].append(
        attribute('a', int_value=1))),
    ('duplicate-key', 'logs', add_to(item, attribute('process.pid', int_value=1))),
    ('duplicate-key', 'metrics', add_to(of(COUNTER), attribute('disk.io.direction', string_value='read'))),
    ('duplicate-key', 'metrics', lambda m: exemplar(m)['filtered_attributes'].append(
        attribute('url.scheme', string_value='http'))),
    ('trace-id', 'traces', put(item, trace_id='0' * 32)),
    ('trace-id', 'traces', put(item, trace_id='01' * 15)),
    ('trace-id', 'traces', drop(item, 'trace_id')),
    ('trace-id', 'traces', lambda m: item(m)['links'][0].pop('trace_id')),
    ('trace-id', 'metrics', put(exemplar, trace_id='0' * 32)),
    ('trace-id', 'logs', drop(item, 'trace_id')),
    ('span-id', 'traces', put(item, span_id='0' * 16)),
    ('span-id', 'traces', drop(item, 'span_id')),
    ('span-id', 'logs', put(item, span_id='01' * 9)),
    ('parent-span-id', 'traces', put(lambda m: item(m, 1), parent_span_id='0' * 16)),
    ('own-parent', 'traces', lambda m: item(m, 1).update(parent_span_id=item(m, 1)['span_id'])),
    ('span-kind', 'traces', drop(item, 'kind')),
    ('no-time', 'traces', drop(item, 'end_time_unix_nano')),
    ('no-time', 'logs', drop(item, 'time_unix_nano')),
    ('no-time', 'logs', drop(item, 'observed_time_unix_nano')),
    ('no-time', 'metrics', drop(of(GAUGE), 'time_unix_nano')),
    ('implausible-time', 'traces', put(item, start_time_unix_nano=123456789)),  # since boot, not since 1970
    ('implausible-time', 'metrics', put(of(GAUGE), time_unix_nano=fixtures.WINDOW[1] + 1)),
    ('implausible-time', 'traces', put(lambda m: item(m)['events'][0], time_unix_nano=1)),
    ('end-before-start', 'traces', put(item, end_time_unix_nano=fixtures.WINDOW[0])),
    ('observed-before-time', 'logs', put(item, time_unix_nano=fixtures.WINDOW[1])),
    ('severity', 'logs', drop(item, 'severity_number')),
    ('severity', 'logs', put(item, severity_number=25)),
    ('not-finite', 'metrics', put(of(GAUGE), as_double=float('nan'))),
    ('not-finite', 'metrics', put(of(HISTOGRAM), sum=float('inf'))),
    ('not-finite', 'traces', add_to(item, attribute('podtrace.nan', double_value=float('nan')))),
    ('temporality', 'metrics', lambda m: data(m, UPDOWN).pop('aggregation_temporality')),
    ('temporality', 'metrics', lambda m: data(m, HISTOGRAM).update(aggregation_temporality=0)),
    ('no-start', 'metrics', drop(of(COUNTER), 'start_time_unix_nano')),
    ('start-after-time', 'metrics', put(of(COUNTER), time_unix_nano=fixtures.WINDOW[0],
                                        start_time_unix_nano=fixtures.WINDOW[1])),
    ('no-value', 'metrics', drop(of(GAUGE), 'as_double')),
    ('duplicate-metric', 'metrics', lambda m: scope(m)['metrics'].append(copy.deepcopy(item(m, GAUGE)))),
    ('duplicate-point', 'metrics', lambda m: data(m, GAUGE)['data_points'].append(copy.deepcopy(point(m, GAUGE)))),
    ('histogram-lengths', 'metrics', pairs(of(HISTOGRAM), 'bucket_counts', [1, 2])),
    ('histogram-lengths', 'metrics', pairs(of(HISTOGRAM), 'explicit_bounds', [])),
    ('histogram-sum', 'metrics', pairs(of(HISTOGRAM), 'bucket_counts', [1, 2, 3])),
    ('histogram-sum', 'metrics', put(of(EXPONENTIAL), zero_count=0)),
    ('histogram-sum', 'metrics', put(of(HISTOGRAM), count=0, bucket_counts=[0, 0, 0])),
    ('histogram-bounds', 'metrics', pairs(of(HISTOGRAM), 'explicit_bounds', [0.25, 0.25])),
    ('histogram-range', 'metrics', put(of(HISTOGRAM), min=1.0)),
    ('exponential-buckets', 'metrics', put(of(EXPONENTIAL), count=162, positive={'bucket_counts': [1] * 161})),
    ('exponential-scale', 'metrics', put(of(EXPONENTIAL), scale=21)),
    ('exponential-scale', 'metrics', put(of(EXPONENTIAL), scale=-11)),
    ('exemplar-time', 'metrics', put(exemplar, time_unix_nano=fixtures.WINDOW[0])),
    ('unknown-attribute', 'traces', add_to(item, attribute('net.peer.name', string_value='x'))),  # deprecated
    ('unknown-attribute', 'traces', add_to(resource, attribute('podtracer', string_value='x'))),
    ('attribute-type', 'traces', add_to(item, attribute('server.port', string_value='80'))),
    ('attribute-type', 'traces', add_to(item, attribute('http.route', bytes_value=b'/'))),
    ('attribute-type', 'traces', add_to(item, attribute('dns.answers', array_value={'values': [{'int_value': 1}]}))),
    ('attribute-type', 'traces', add_to(resource, attribute('k8s.pod.annotation.a', int_value=1))),
    ('attribute-type', 'traces', add_to(item, attribute('network.transport', double_value=6.0))),
    ('attribute-type', 'traces', add_to(item, {'key': 'http.route'})),
    ('attribute-enum', 'traces', add_to(item, attribute('network.transport', string_value='TCP'))),
    ('unknown-metric', 'metrics', put(metric(GAUGE), name='container.cpu.usages')),
    ('metric-unit', 'metrics', put(metric(HISTOGRAM), unit='ms')),
    ('metric-instrument', 'metrics', put(metric(GAUGE), name='container.cpu.time', unit='s')),
    ('metric-instrument', 'metrics', lambda m: data(m, COUNTER).pop('is_monotonic')),
    ('metric-value-type', 'metrics', lambda m: (point(m, GAUGE).pop('as_double'), point(m, GAUGE).update(as_int=1))),
    ('missing-attribute', 'metrics', lambda m: point(m, HISTOGRAM)['attributes'].pop()),
]


def later(message: dict):
    """The next report of every series: the cumulative ones keep their start, the delta one goes on."""
    for n in range(len(scope(message)['metrics'])):
        kind = data(message, n)
        for each in kind['data_points']:
            if kind.get('aggregation_temporality') == 1:
                each['start_time_unix_nano'] = each['time_unix_nano']
            each['time_unix_nano'] += MINUTE
            for example in each.get('exemplars', []):
                example['time_unix_nano'] += MINUTE


# (code, change of the second report of the same metrics)
TWO_REQUESTS = [
    ('time-not-forward', lambda m: point(m, COUNTER).update(time_unix_nano=fixtures.WINDOW[1] - 1)),
    ('time-not-forward', lambda m: point(m, UPDOWN).update(time_unix_nano=fixtures.WINDOW[1], as_int=7)),
    ('start-changed', lambda m: point(m, COUNTER).update(start_time_unix_nano=fixtures.WINDOW[0] + 1)),
    ('delta-overlap', lambda m: point(m, EXPONENTIAL).update(start_time_unix_nano=fixtures.WINDOW[1] - 1)),
    ('sum-fell', lambda m: point(m, COUNTER).update(as_int=4095)),
    ('sum-fell', lambda m: point(m, HISTOGRAM).update(count=2, bucket_counts=[1, 0, 1])),
    ('sum-fell', lambda m: point(m, HISTOGRAM).update(bucket_counts=[0, 1, 2])),
]
# Changes of the second report that are all right.
TWO_GOOD_REQUESTS = [
    lambda m: None,
    lambda m: point(m, COUNTER).update(as_int=9999),
    lambda m: point(m, UPDOWN).update(as_int=-1),
    # a reset: counts from zero again
    lambda m: point(m, COUNTER).update(start_time_unix_nano=fixtures.WINDOW[1], as_int=1),
    # a series that ended
    lambda m: (point(m, COUNTER).pop('as_int'), point(m, COUNTER).update(flags=1)),
]


class Positive(unittest.TestCase):
    """What is right is not flagged."""

    def test_fixtures(self):
        for signal in otlp.SIGNALS:
            with self.subTest(signal):
                check = checker()
                check.add_bytes(signal, fixtures.body(signal))
                self.assertEqual(check.violations, [])

    def test_second_report(self):
        for n, change in enumerate(TWO_GOOD_REQUESTS):
            with self.subTest(n):
                self.assertEqual(two_reports(change), [])

    def test_same_delivery_twice(self):
        check = checker()
        for _ in range(2):
            check.add(fresh('metrics'))
        self.assertEqual(check.violations, [])

    def test_overflow_needs_no_required_attribute(self):
        request = fresh('metrics')
        point(request.message, HISTOGRAM)['attributes'] = [attribute('otel.metric.overflow', bool_value=True)]
        check = checker()
        check.add(request)
        self.assertEqual(check.violations, [])

    def test_open_enum(self):
        request = fresh('traces')
        add_to(resource, attribute('telemetry.sdk.language', string_value='c'))(request.message)
        check = checker()
        check.add(request)
        self.assertEqual(check.violations, [])


class Negative(unittest.TestCase):
    """Each wrong thing is flagged, by its own code and by no other."""

    def test_one_request(self):
        for n, (code, signal, change) in enumerate(ONE_REQUEST):
            with self.subTest(f'{n} {code} {signal}'):
                request = fresh(signal)
                change(request.message)
                check = checker()
                check.add(request)
                self.assertEqual(check.codes(), [code], check.violations)

    def test_two_requests(self):
        for n, (code, change) in enumerate(TWO_REQUESTS):
            with self.subTest(f'{n} {code}'):
                self.assertEqual(two_reports(change), [code])

    def test_every_code_has_a_control(self):
        tested = {code for code, *_ in ONE_REQUEST + TWO_REQUESTS}
        tested |= {'utf8', 'undecodable', 'unknown-field', 'size'}  # in Wire
        self.assertEqual(tested, set(invariants.CODES))


def two_reports(change) -> list:
    check = checker(window=None)
    check.add(fresh('metrics'))
    second = fresh('metrics')
    later(second.message)
    change(second.message)
    check.add(second)
    return check.codes()


class Wire(unittest.TestCase):
    """What only the bytes or the JSON text can show."""

    def codes(self, data: bytes, signal: str = 'traces', limit: int = invariants.SIZE_LIMIT) -> list:
        check = invariants.Checker(SCHEMA, fixtures.WINDOW, limit)
        (check.add_json if data.startswith(b'{') else check.add_bytes)(signal, data)
        return check.codes()

    def test_unknown_fields(self):
        body = fixtures.body('traces')
        for name, field in {
            'varint': b'\x98\x06\x01',
            'string': b'\x9a\x06\x03\xffxy',
            'message': b'\x9a\x06\x02\x08\x01',
            'fixed64': b'\x99\x06' + b'\x01' * 8,
        }.items():
            with self.subTest(name):
                self.assertEqual(self.codes(body + field), ['unknown-field'])
        # inside a ResourceSpans of its own, which is incomplete besides
        nested = self.codes(body + b'\x0a\x03\x98\x06\x01')
        self.assertIn('unknown-field', nested)

    def test_utf8(self):
        body = fixtures.body('traces')
        self.assertEqual(self.codes(body.replace(b'GET /cart', b'GET /c\xffrt')), ['utf8'])
        self.assertEqual(self.codes(b'{"resourceSpans": [{"schemaUrl": "\xff"}]}'), ['utf8'])

    def test_undecodable(self):
        self.assertEqual(self.codes(fixtures.body('traces')[:-1]), ['undecodable'])
        self.assertEqual(self.codes(b'{"resourceSpans": ['), ['undecodable'])

    def test_size(self):
        body = fixtures.body('traces')
        self.assertEqual(self.codes(body, limit=len(body)), ['size'])
        self.assertEqual(self.codes(body, limit=len(body) + 1), [])

    def test_json(self):
        """The JSON mapping, by a line as the Collector's file exporter writes it."""
        for signal, request in REQUESTS.items():
            with self.subTest(signal):
                line = json.dumps(to_json(request.message)).encode()
                decoded = SCHEMA.from_json(signal, line)
                self.assertEqual(decoded.message, request.message)
                self.assertEqual(decoded.unknown, [])
                self.assertEqual(self.codes(line, signal), [])

    def test_json_unknown_field(self):
        line = json.dumps({**to_json(REQUESTS['traces'].message), 'resource_spans': []}).encode()
        self.assertEqual(self.codes(line), ['unknown-field'])


def to_json(node, key: str = ''):
    """OTLP/JSON of the one form: just enough for the fixtures."""
    if isinstance(node, dict):
        return {otlp.camel(field): to_json(value, field) for field, value in node.items()}
    if isinstance(node, list):
        return [to_json(value, key) for value in node]
    if isinstance(node, bytes):
        return base64.b64encode(node).decode()
    if isinstance(node, int) and not isinstance(node, bool) and (key.endswith('_nano') or key == 'int_value'):
        return str(node)
    return node


class Table(unittest.TestCase):
    """The semantic conventions' table."""

    def test_made_from_a_model(self):
        model = {'schema_url': 'https://example/1.0',
                 'attributes': {'b.kind': {'type': 'enum', 'enum': ['x', 'y']},
                                'a.old': {'type': 'int', 'deprecated': True}},
                 'metrics': {'m.d': {'instrument': 'gauge', 'unit': '1', 'value': None,
                                     'attributes': {'b.kind': 'REQ', 'c': 'opt'}}}}
        rows = semconv.table_of(model).splitlines()[2:]
        self.assertEqual(rows, ['schema https://example/1.0', 'a b.kind enum x y', 'm m.d gauge 1 ? b.kind'])


if __name__ == '__main__':
    unittest.main()
