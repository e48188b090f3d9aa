# SPDX-License-Identifier: Apache-2.0
"""What becomes of the figures that tools/gpu_check measures: floors, ratios, goals and one small
result file. Needs only Python's standard library."""

import array
import json
import math
from pathlib import Path

FORMAT = 'moesim gpu_check'
VERSION = 2
COLUMNS = ['shape', 'mean_rows', 'tokens', 'distribution', 'implementation', 'pass', 'mode',
           'scope', 'time_s', 'fraction_of_floor', 'error', 'graph', 'problem']
SCOPES = ('experts', 'layer')  # the products alone; with routing and combination
STATUSES = {'passed', 'failed', 'cut', 'skipped'}
BYTES = 2  # of a bf16
OURS = ('moesim_warpgroups', 'moesim_warps')
# Our layer may ask cuBLAS for its products; products alone are judged without it.
OURS_BY_CUBLAS = ('moesim_cublas_loop', 'moesim_cublas_grouped')
NO_MEMORY = 'out of memory'  # in a problem: the device is too small, which is no fault of a kernel
# What is promised (docs/cuda_gemm.md); each is judged on burst times of the forward pass, the last
# two on the whole layer.
BANDWIDTH = 'bandwidth below 64 rows an expert'
GROUPED_MM = 'torch grouped_mm everywhere'
BEST_OF_QWEN = 'best other layer, qwen3_30b, 64 to 1,024 rows'
BEST_OF_MIXTRAL = 'best other layer, mixtral'
GOALS = {BANDWIDTH: 0.9, GROUPED_MM: 1.0, BEST_OF_QWEN: 1.25, BEST_OF_MIXTRAL: 0.95}


def read_points(folder):
    """The grid's points by (shape, mean_rows, distribution), each with its experts' `counts`. Who
    wrote them may have been cut: what is not there as a whole is left out."""
    points = {}
    try:
        lines = (Path(folder) / 'points.ndjson').read_text(encoding='utf-8').splitlines()
    except OSError:
        return points
    for line in lines:
        try:
            point = json.loads(line)
            choices = array.array('i')
            choices.frombytes((Path(folder) / point['file']).read_bytes())
        except (OSError, ValueError):
            continue
        if len(choices) != point['tokens'] * point['top_k']:
            continue
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
    """Adds `fraction_of_floor` to each forward row of products: 1 is as fast as the ceilings allow.
    Burst times are held against the burst ceiling, sustained ones against the sustained."""
    for row in rows:
        row.setdefault('scope', 'experts')
        row['fraction_of_floor'] = None
        point = points.get(key_of(row))
        is_judged = row['pass'] == 'forward' and row['scope'] == 'experts' and row.get('time_s')
        if ceilings is None or point is None or not is_judged:
            continue
        flops_per_s = ceilings[f'flops_per_s_{row["mode"]}']
        floor = floor_s(point, flops_per_s, ceilings['copy_bytes_per_s'])
        row['fraction_of_floor'] = floor / row['time_s']
    return rows


def is_fault(row):
    """Whether one of our own kernels failed or was wrong here."""
    problem = row.get('problem')
    return row['implementation'] in OURS and bool(problem) and NO_MEMORY not in problem


def forward_bursts(rows, scope):
    """The rows that goals are judged by."""
    return [row for row in rows
            if (row['pass'], row['mode'], row['scope']) == ('forward', 'burst', scope)]


def times_of(rows):
    """{point: {implementation: time, None where it has none}}; of two times the lesser."""
    times = {}
    for row in rows:
        of_point = times.setdefault(key_of(row), {})
        known = [time for time in (of_point.get(row['implementation']), row.get('time_s')) if time]
        of_point[row['implementation']] = min(known, default=None)
    return times


def speedup(times, ours, others):
    """(how many times as fast as the fastest of `others` the fastest of `ours` is, which that is);
    None where one is missing."""
    mine = [times[name] for name in ours if times.get(name)]
    theirs = [(time, name) for name, time in times.items() if time and others(name)]
    if not mine or not theirs:
        return None
    time, name = min(theirs)
    return time / min(mine), name


def worst_speedup(times, ours, others):
    """The least speedup of the points: its figure, its point, against whom, and which ways have a
    row without a time at some point, so that nobody takes their absence for a win."""
    found = []
    for key, of_point in times.items():
        if result := speedup(of_point, ours, others):
            found.append((result[0], key, result[1]))
    failed = sorted({name for of_point in times.values() for name, time in of_point.items()
                     if others(name) and not time})
    if not found:
        return {'worst': None, 'failed': failed}
    figure, key, name = min(found)
    return {'worst': figure, 'at': list(key), 'against': name, 'points': len(found),
            'failed': failed}


def worst_fraction(rows):
    """The least of the points, each by the better of our kernels."""
    best = {}
    for row in rows:
        fraction = row['fraction_of_floor']
        if row['implementation'] in OURS and fraction is not None:
            best[key_of(row)] = max(best.get(key_of(row), 0), fraction)
    if not best:
        return {'worst': None, 'failed': []}
    key = min(best, key=best.get)
    return {'worst': best[key], 'at': list(key), 'points': len(best), 'failed': []}


def verdict(goal, figures, rows):
    """The figures of a goal with whether it is met: never where a kernel of ours failed at one of
    its `rows`; None where nothing was measured and nothing failed."""
    faults = {row['implementation'] for row in rows if is_fault(row)}
    met = None if figures['worst'] is None else figures['worst'] >= goal
    return {'goal': goal, **figures, 'failed': sorted(faults | set(figures['failed'])),
            'met': False if faults else met}


def judged(rows):
    """{goal: {goal, worst, met, at, against, points, failed}} over all points that were measured;
    `failed` names the others without a time at some point and our kernels that failed."""
    experts, layers = forward_bursts(rows, 'experts'), forward_bursts(rows, 'layer')
    few = [row for row in experts if row['mean_rows'] < 64]
    qwen = [row for row in layers
            if row['shape'] == 'qwen3_30b' and 64 <= row['mean_rows'] <= 1024]
    mixtral = [row for row in layers if row['shape'] == 'mixtral']

    def grouped_mm(name):
        return name == 'torch_grouped_mm'

    def is_foreign(name):
        return name not in OURS + OURS_BY_CUBLAS

    figures = {
        BANDWIDTH: (worst_fraction(few), few),
        GROUPED_MM: (worst_speedup(times_of(experts), OURS, grouped_mm), experts),
        BEST_OF_QWEN: (worst_speedup(times_of(qwen), OURS + OURS_BY_CUBLAS, is_foreign), qwen),
        BEST_OF_MIXTRAL: (worst_speedup(times_of(mixtral), OURS + OURS_BY_CUBLAS, is_foreign),
                          mixtral)}
    return {name: verdict(goal, *figures[name]) for name, goal in GOALS.items()}


def short(value):
    return float(f'{value:.4g}') if isinstance(value, float) else value


def table_of(rows):
    """Rows as lists in the order of COLUMNS, four digits each, to keep the file small."""
    return [[short(row.get(column)) for column in COLUMNS] for row in rows]


def problems_of_row(values):
    """What is wrong with a row of the table."""
    if len(values) != len(COLUMNS):
        return [f'a row has {len(values)} values, not {len(COLUMNS)}: {values}']
    row = dict(zip(COLUMNS, values))
    time = row['time_s']
    if time is not None and not (isinstance(time, float) and 0 < time < math.inf):
        return [f'a time is no positive number: {values}']
    if time is None and not row['problem']:
        return [f'a row has neither a time nor a problem: {values}']
    if row['scope'] not in SCOPES:
        return [f'a row is of no scope: {values}']
    if is_fault(row):
        return [f'a kernel of ours failed: {values}']
    return []


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
    for values in result['rows']:
        found += problems_of_row(values)
    return found
