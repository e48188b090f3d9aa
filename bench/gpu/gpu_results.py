# SPDX-License-Identifier: Apache-2.0
"""What becomes of the figures that tools/gpu_check measures: floors, ratios, goals and one small
result file. Needs only Python's standard library."""

import array
import json
import math
from pathlib import Path

FORMAT = 'moesim gpu_check'
VERSION = 1
COLUMNS = ['shape', 'mean_rows', 'tokens', 'distribution', 'implementation', 'pass', 'mode',
           'scope', 'time_s', 'fraction_of_floor', 'error']
STATUSES = {'passed', 'failed', 'cut', 'skipped'}
BYTES = 2  # of a bf16
OURS = ('moesim_warpgroups', 'moesim_warps')
# What is promised (docs/cuda_gemm.md); each is judged on burst times of the forward pass.
GOALS = {
    'bandwidth below 64 rows an expert': 0.9,
    'torch grouped_mm everywhere': 1.0,
    'best other way, qwen3_30b, 64 to 1,024 rows': 1.25,
    'best other way, mixtral': 0.95,
}


def read_points(folder):
    """The grid's points by (shape, mean_rows, distribution), each with its experts' `counts`."""
    points = {}
    for line in (Path(folder) / 'points.ndjson').read_text(encoding='utf-8').splitlines():
        point = json.loads(line)
        choices = array.array('i')
        choices.frombytes((Path(folder) / point['file']).read_bytes())
        point['counts'] = [0] * point['experts']
        for expert in choices:
            point['counts'][expert] += 1
        points[key_of(point)] = point
    return points


def shapes_of(points):
    """The layers of the grid by name, for whoever reads a result later."""
    keys = ('experts', 'top_k', 'hidden', 'units')
    return {point['shape']: {key: point[key] for key in keys} for point in points.values()}


def key_of(row):
    return row['shape'], row['mean_rows'], row['distribution']


def floor_s(point, flops_per_s, bytes_per_s):
    """Least time of the forward pass: each of the two products (gate and up, down) takes what its
    operations or its bytes take, whichever is more. Bytes: the weights of experts that have rows,
    the tokens once each, the activations twice, the output once."""
    rows = sum(point['counts'])
    active = sum(1 for count in point['counts'] if count > 0)
    hidden, units = point['hidden'], point['units']
    weights = active * hidden * units
    tokens = min(rows, point['tokens'])
    first = max(4 * rows * hidden * units / flops_per_s,
                BYTES * (2 * weights + tokens * hidden + rows * units) / bytes_per_s)
    second = max(2 * rows * hidden * units / flops_per_s,
                 BYTES * (weights + rows * units + rows * hidden) / bytes_per_s)
    return first + second


def with_floors(rows, points, ceilings):
    """Adds `fraction_of_floor` to each forward row: 1 is as fast as the ceilings allow. Burst times
    are held against the burst ceiling, sustained ones against the sustained."""
    for row in rows:
        row.setdefault('scope', 'experts')
        row['fraction_of_floor'] = None
        point = points.get(key_of(row))
        if ceilings is None or point is None or row['pass'] != 'forward' or not row.get('time_s'):
            continue
        flops_per_s = ceilings[f'flops_per_s_{row["mode"]}']
        floor = floor_s(point, flops_per_s, ceilings['copy_bytes_per_s'])
        row['fraction_of_floor'] = floor / row['time_s']
    return rows


def times_of(rows):
    """{point: {implementation: burst time of the forward pass}}, of the same scope as ours."""
    times = {}
    for row in rows:
        compared = (row['pass'], row['mode'], row['scope']) == ('forward', 'burst', 'experts')
        if compared and row.get('time_s'):
            times.setdefault(key_of(row), {})[row['implementation']] = row['time_s']
    return times


def speedup(times, others):
    """How many times as fast as the fastest of `others` ours is; None where one is missing."""
    ours = [times[name] for name in OURS if name in times]
    theirs = [time for name, time in times.items() if name not in OURS and others(name)]
    return min(theirs) / min(ours) if ours and theirs else None


def worst(values):
    known = [value for value in values if value is not None]
    return min(known) if known else None


def judged(rows):
    """{goal: {goal, worst, met}} over all points that were measured; met is None where none was."""
    times = times_of(rows)
    best_fraction = {}
    for row in rows:
        fraction = row['fraction_of_floor']
        if row['implementation'] in OURS and row['mode'] == 'burst' and fraction is not None:
            key = key_of(row)
            best_fraction[key] = max(best_fraction.get(key, 0), fraction)

    def anything(_name):
        return True

    def grouped_mm(name):
        return name == 'torch_grouped_mm'

    figures = {
        'bandwidth below 64 rows an expert': worst(
            value for key, value in best_fraction.items() if key[1] < 64),
        'torch grouped_mm everywhere': worst(
            speedup(of_point, grouped_mm) for of_point in times.values()),
        'best other way, qwen3_30b, 64 to 1,024 rows': worst(
            speedup(of_point, anything) for key, of_point in times.items()
            if key[0] == 'qwen3_30b' and 64 <= key[1] <= 1024),
        'best other way, mixtral': worst(
            speedup(of_point, anything) for key, of_point in times.items() if key[0] == 'mixtral'),
    }
    return {name: {'goal': goal, 'worst': figures[name],
                   'met': None if figures[name] is None else figures[name] >= goal}
            for name, goal in GOALS.items()}


def short(value):
    return float(f'{value:.4g}') if isinstance(value, float) else value


def table_of(rows):
    """Rows as lists in the order of COLUMNS, four digits each, to keep the file small."""
    return [[short(row.get(column)) for column in COLUMNS] for row in rows]


def problems(result):
    """What is wrong with a result file's content; empty when nothing is."""
    found = []
    for key, kind in (('format', str), ('version', int), ('commit', str), ('date', str),
                      ('machine', dict), ('parts', list), ('shapes', dict), ('columns', list),
                      ('rows', list), ('goals', dict)):
        if not isinstance(result.get(key), kind):
            found.append(f'"{key}" is not there or is no {kind.__name__}')
    if found:
        return found
    if (result['format'], result['version']) != (FORMAT, VERSION):
        found.append(f'not {FORMAT} version {VERSION}')
    for key in ('gpu', 'driver'):
        if not result['machine'].get(key):
            found.append(f'"machine" has no "{key}"')
    for part in result['parts']:
        if part.get('status') not in STATUSES:
            found.append(f'part {part.get("name")}: status {part.get("status")}')
    if result['columns'] != COLUMNS:
        found.append('"columns" are others')
    at = COLUMNS.index('time_s')
    for row in result['rows']:
        if len(row) != len(COLUMNS):
            found.append(f'a row has {len(row)} values, not {len(COLUMNS)}: {row}')
        elif row[at] is not None and not (isinstance(row[at], float) and 0 < row[at] < math.inf):
            found.append(f'a time is no positive number: {row}')
    return found
