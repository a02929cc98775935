#!/usr/bin/env python3
"""The names that OpenTelemetry's semantic conventions define, and the check of our names against them.

    semconv.py MODEL.json >semconv-1.44.0.txt

makes the compact table beside this file from a dump of the semantic conventions' YAML model
({"schema_url", "attributes": {name: {type, enum, deprecated}}, "metrics": {name: {instrument, unit, value,
attributes, deprecated}}}). Deprecated names are left out: to us they are as wrong as unknown ones.
"""

import json
import pathlib
import sys

TABLE = pathlib.Path(__file__).with_name('semconv-1.44.0.txt')
OWN_PREFIX = 'podtrace.'

# The metrics SDK specification's own attribute (cardinality limits), which no semantic convention lists.
SPECIFICATION = {'otel.metric.overflow': ['boolean']}

# Enums that by their own text stand open to other values, where we (or what we watch) have some.
OPEN_ENUMS = {'error.type', 'telemetry.sdk.language', 'system.filesystem.type', 'db.system.name',
              'messaging.system', 'rpc.system.name', 'process.runtime.name', 'os.type', 'host.arch'}

VALUE_KINDS = {'string': 'string_value', 'boolean': 'bool_value', 'int': 'int_value', 'double': 'double_value'}
POINT_KINDS = {'counter': ('sum',), 'updowncounter': ('sum',), 'gauge': ('gauge',),
               'histogram': ('histogram', 'exponential_histogram')}


def table_of(model: dict) -> str:
    """The table's text: `a NAME TYPE [VALUE...]` and `m NAME INSTRUMENT UNIT VALUE [REQUIRED ATTRIBUTE...]`."""
    rows = [f'# Derived by semconv.py from the OpenTelemetry semantic conventions ({model["schema_url"]}, Apache-2.0):',
            '# names, types, enum values; instruments, units, required attributes. Deprecated names are left out.',
            f'schema {model["schema_url"]}']
    for name, row in sorted(model['attributes'].items()):
        if not row.get('deprecated'):
            rows.append(' '.join(['a', name, row['type'], *map(str, row.get('enum', []))]))
    for name, row in sorted(model['metrics'].items()):
        if not row.get('deprecated'):
            required = [key for key, level in row['attributes'].items() if level == 'REQ']
            rows.append(' '.join(['m', name, row['instrument'], row['unit'], row['value'] or '?', *required]))
    return '\n'.join(rows) + '\n'


class Registry:
    """The table, read back. Each check returns a list of (code, text)."""

    def __init__(self, table=TABLE):
        self.schema_url = ''
        self.attributes = dict(SPECIFICATION)
        self.templates: dict = {}
        self.metrics: dict = {}
        for line in pathlib.Path(table).read_text(encoding='utf-8').splitlines():
            kind, *rest = line.split(' ')
            if kind == 'schema':
                self.schema_url = rest[0]
            elif kind == 'a':
                where = self.templates if rest[1].startswith('template[') else self.attributes
                where[rest[0]] = rest[1:]
            elif kind == 'm':
                self.metrics[rest[0]] = rest[1:]

    def check_attribute(self, key: str, value: dict) -> list:
        if key.startswith(OWN_PREFIX):
            return []
        row = self.attributes.get(key)
        if row is None:
            template = next((name for name in self.templates if key.startswith(name + '.')), None)
            if template is None:
                return [('unknown-attribute', key)]
            row = [self.templates[template][0][len('template['):-1]]
        if row[0] == 'enum':
            return _check_enum(key, row[1:], value)
        if not _has_type(row[0], value):
            return [('attribute-type', f'{key} is {row[0]} in the conventions, not {next(iter(value), "null")}')]
        return []

    def check_metric(self, metric: dict) -> list:
        """METRIC is one of the form of otlp.py; its points are looked at for their type and attributes."""
        name = metric.get('name', '')
        row = self.metrics.get(name)
        if row is None:
            return [] if name.startswith(OWN_PREFIX) else [('unknown-metric', name)]
        instrument, unit, value, *required = row
        out = []
        if metric.get('unit') != unit:
            out.append(('metric-unit', f'{name} has unit {unit}, not {metric.get("unit")}'))
        kind = next((kind for kind in POINT_KINDS[instrument] if kind in metric), None)
        if kind is None or (kind == 'sum' and metric[kind].get('is_monotonic', False) != (instrument == 'counter')):
            return out + [('metric-instrument', f'{name} is a {instrument}')]
        for point in metric[kind].get('data_points', []):
            out += _check_point(name, value, required, point)
        return out


def _check_enum(key: str, values: list, value: dict) -> list:
    kind, got = next(iter(value.items()), ('null', None))
    if kind not in ('string_value', 'int_value'):
        return [('attribute-type', f'{key} is an enum in the conventions, not {kind}')]
    if str(got) not in values and key not in OPEN_ENUMS:
        return [('attribute-enum', f'{key} has no value {got}')]
    return []


def _has_type(type_: str, value: dict) -> bool:
    if type_ == 'any':
        return True
    if type_.endswith('[]'):
        items = value.get('array_value', {}).get('values', [])
        return 'array_value' in value and all(_has_type(type_[:-2], item) for item in items)
    return VALUE_KINDS[type_] in value


def _check_point(name: str, value: str, required: list, point: dict) -> list:
    out = []
    if (value == 'int' and 'as_double' in point) or (value == 'double' and 'as_int' in point):
        out.append(('metric-value-type', f'{name} has values of type {value}'))
    keys = {attribute.get('key') for attribute in point.get('attributes', [])}
    missing = [key for key in required if key not in keys]
    if missing and 'otel.metric.overflow' not in keys:
        out.append(('missing-attribute', f'{name} needs {", ".join(missing)}'))
    return out


if __name__ == '__main__':
    if len(sys.argv) != 2:
        sys.exit('usage: semconv.py MODEL.json >TABLE.txt')
    sys.stdout.write(table_of(json.loads(pathlib.Path(sys.argv[1]).read_text(encoding='utf-8'))))
