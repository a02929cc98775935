"""The rules for metrics: points, histograms, exemplars, and series over time (OTLP data model)."""

import json

CUMULATIVE = 2
NO_RECORDED_VALUE = 1
DATA = ('gauge', 'sum', 'histogram', 'exponential_histogram', 'summary')
SCALES = range(-10, 21)
BUCKETS_MAX = 160


def identity(*parts) -> str:
    """One string for equal parts: attribute order makes no difference to who a series or resource is."""
    def ordered(part):
        if isinstance(part, dict):
            return {key: ordered(value) for key, value in sorted(part.items())}
        if isinstance(part, list):
            return sorted((ordered(item) for item in part), key=repr)
        return part.hex() if isinstance(part, bytes) else part
    return json.dumps([ordered(part) for part in parts])


class Series:
    """What one series said last, to judge what it says next."""

    def __init__(self, point: dict, cumulative: bool, monotonic: bool):
        self.point = point
        self.cumulative = cumulative
        self.monotonic = monotonic

    def next(self, point: dict) -> list:
        """The (code, text) of all that is wrong with POINT as the successor."""
        last = self.point
        time, last_time = point.get('time_unix_nano', 0), last.get('time_unix_nano', 0)
        start, last_start = point.get('start_time_unix_nano', 0), last.get('start_time_unix_nano', 0)
        if point == last:
            return []  # the same delivery twice, which OTLP allows after a lost reply
        self.point = point
        if time <= last_time:
            return [('time-not-forward', f'{time} after {last_time}')]
        if not self.cumulative:
            return [('delta-overlap', f'starts at {start}, before {last_time}')] if start < last_time else []
        if start != last_start:
            return [('start-changed', f'{last_start} to {start}, no reset')] if start < last_time else []
        return [('sum-fell', text) for text in self._fallen(last, point)] if self.monotonic else []

    @staticmethod
    def _fallen(last: dict, point: dict):
        if point.get('flags', 0) & NO_RECORDED_VALUE:
            return
        for field in ('as_int', 'as_double', 'count', 'zero_count'):
            if point.get(field, 0) < last.get(field, 0):
                yield f'{field} from {last[field]} to {point.get(field, 0)}'
        if point.get('explicit_bounds') == last.get('explicit_bounds'):
            pairs = zip(last.get('bucket_counts', []), point.get('bucket_counts', []))
            yield from (f'bucket {i} from {a} to {b}' for i, (a, b) in enumerate(pairs) if b < a)


class MetricRules:
    """Checks the metrics of one scope. `report(code, path, text)` takes what it finds."""

    def __init__(self, report):
        self.report = report
        self.series: dict = {}

    def scope(self, path: str, owner: str, metrics: list):
        """OWNER is the identity of resource and scope."""
        names = set()
        for i, metric in enumerate(metrics):
            at = f'{path}.metrics[{i}]'
            name = metric.get('name', '')
            if not name:
                self.report('no-name', at, 'a metric without a name')
            if name in names:
                self.report('duplicate-metric', at, name)
            names.add(name)
            self._metric(at, owner, metric)

    def _metric(self, path: str, owner: str, metric: dict):
        kind = next((kind for kind in DATA if kind in metric), None)
        data = metric.get(kind, {})
        points = data.get('data_points', [])
        if not points:
            self.report('empty', path, f'{metric.get("name")} has no points')
        has_temporality = kind in ('sum', 'histogram', 'exponential_histogram')
        temporality = data.get('aggregation_temporality', 0)
        if has_temporality and not temporality:
            self.report('temporality', path, f'{metric.get("name")} has no temporality')
        seen = set()
        for i, point in enumerate(points):
            at = f'{path}.{kind}.data_points[{i}]'
            who = identity(owner, metric.get('name', ''), point.get('attributes', []))
            if who in seen:
                self.report('duplicate-point', at, 'two points with the same attributes')
            seen.add(who)
            self._times(at, point, has_temporality)
            self._value(at, kind, point)
            if has_temporality:
                monotonic = kind != 'sum' or data.get('is_monotonic', False)
                self._history(at, who, point, temporality == CUMULATIVE, monotonic)

    def _times(self, path: str, point: dict, needs_start: bool):
        time, start = point.get('time_unix_nano', 0), point.get('start_time_unix_nano', 0)
        if not time:
            self.report('no-time', path, 'a point without a time')
        elif start > time:
            self.report('start-after-time', path, f'{start} > {time}')
        if needs_start and not start:
            self.report('no-start', path, 'a point of a sum or histogram without a start time')
        for i, exemplar in enumerate(point.get('exemplars', [])):
            when = exemplar.get('time_unix_nano', 0)
            if not start < when <= time:
                self.report('exemplar-time', f'{path}.exemplars[{i}]', f'{when} is not in ({start}, {time}]')

    def _value(self, path: str, kind: str, point: dict):
        if point.get('flags', 0) & NO_RECORDED_VALUE:
            return
        if kind in ('gauge', 'sum') and 'as_int' not in point and 'as_double' not in point:
            self.report('no-value', path, 'a point without a value')
        elif kind == 'histogram':
            self._histogram(path, point)
            self._summary_fields(path, point)
        elif kind == 'exponential_histogram':
            self._exponential(path, point)
            self._summary_fields(path, point)

    def _histogram(self, path: str, point: dict):
        counts, bounds = point.get('bucket_counts', []), point.get('explicit_bounds', [])
        if len(counts) != len(bounds) + 1 and (counts or bounds):
            self.report('histogram-lengths', path, f'{len(counts)} buckets for {len(bounds)} bounds')
        if counts and sum(counts) != point.get('count', 0):
            self.report('histogram-sum', path, f'buckets hold {sum(counts)}, count is {point.get("count", 0)}')
        if any(a >= b for a, b in zip(bounds, bounds[1:])):
            self.report('histogram-bounds', path, 'bounds do not increase')

    def _exponential(self, path: str, point: dict):
        total = point.get('zero_count', 0)
        for sign in ('positive', 'negative'):
            counts = point.get(sign, {}).get('bucket_counts', [])
            total += sum(counts)
            if len(counts) > BUCKETS_MAX:
                self.report('exponential-buckets', path, f'{len(counts)} {sign} buckets')
        if total != point.get('count', 0):
            self.report('histogram-sum', path, f'buckets hold {total}, count is {point.get("count", 0)}')
        if point.get('scale', 0) not in SCALES:
            self.report('exponential-scale', path, f'scale {point.get("scale")}')

    def _summary_fields(self, path: str, point: dict):
        low, high = point.get('min'), point.get('max')
        if low is not None and high is not None and low > high:
            self.report('histogram-range', path, f'min {low} > max {high}')
        if not point.get('count', 0) and point.get('sum', 0):
            self.report('histogram-sum', path, f'a sum of {point["sum"]} of no values')

    def _history(self, path: str, who: str, point: dict, cumulative: bool, monotonic: bool):
        if who in self.series:
            for code, text in self.series[who].next(point):
                self.report(code, path, text)
        else:
            self.series[who] = Series(point, cumulative, monotonic)
