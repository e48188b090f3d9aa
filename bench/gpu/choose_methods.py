# SPDX-License-Identifier: Apache-2.0
"""Makes the table that chooses how experts' products are computed
(model/cuda/gemm/product_methods.json) from a result of tools/gpu_check:

    choose_methods.py RESULT [--output FILE]

Tried are all thresholds of rows an expert and of operations of one expert's product, from which on
cuBLAS (looped or grouped) is asked; kept are those whose total of times relative to the fastest way
is least. Needs only Python's standard library.
"""

import argparse
import json
import sys
from pathlib import Path

import gpu_results

CUBLAS = ('cublas_loop', 'cublas_grouped')
KERNELS = ('warpgroups', 'warps')
NEVER = float('inf')


def measured_points(result):
    """[(rows an expert, operations of gate and up of one expert, {method: time})], of balanced
    choices, where the mean says what every expert has."""
    sizes = {key: (row['hidden'], row['units']) for key, row in result['shapes'].items()}
    times = {}
    for values in result['rows']:
        row = dict(zip(result['columns'], values))
        name = row['implementation'].removeprefix('moesim_')
        of_row = (row['pass'], row['mode'], row['distribution'], row['scope'])
        wanted = of_row == ('forward', 'burst', 'balanced', 'experts')
        if wanted and name in CUBLAS + KERNELS and row['time_s']:
            times.setdefault((row['shape'], row['mean_rows']), {})[name] = row['time_s']
    points = []
    for (shape, rows), of_point in sorted(times.items()):
        hidden, units = sizes[shape]
        points.append((rows, 4.0 * rows * hidden * units, of_point))
    return points


def price(points, kernel, rule):
    """How much slower than the fastest way all points are together, each as a part of itself."""
    cublas, least_rows, least_flops = rule
    total = 0.0
    for rows, flops, times in points:
        chosen = cublas if rows >= least_rows and flops >= least_flops else kernel
        total += times.get(chosen, NEVER) / min(times.values()) - 1
    return total


def best_rule(points, kernel):
    """(method, least rows, least operations); never cuBLAS where that is best, and no least
    operations where rows alone do as well."""
    candidates = [(CUBLAS[0], NEVER, NEVER)]
    for cublas in CUBLAS:
        for flops in sorted({0.0} | {point[1] for point in points}):
            for rows in sorted({point[0] for point in points}):
                candidates.append((cublas, rows, flops))
    return min(candidates, key=lambda rule: price(points, kernel, rule))


def method_table(result):
    points = measured_points(result)
    if not points:
        raise ValueError('the result has no times of balanced forward passes')
    kernel = KERNELS[0] if any(KERNELS[0] in point[2] for point in points) else KERNELS[1]
    cublas, rows, flops = best_rule(points, kernel)
    capability = '9.0' if kernel == KERNELS[0] else None
    rules = []
    if rows != NEVER:
        rule = {'min_rows_per_expert': rows, 'min_expert_flops': flops, 'method': cublas}
        rules.append({'compute_capability': capability, **rule} if capability else rule)
    if capability:
        rules.append({'compute_capability': capability, 'method': kernel})
    rules.append({'method': 'warps'})
    machine = result['machine']
    return {'measured': True,
            'source': f'tools/gpu_check on {machine["gpu"]}, driver {machine["driver"]}, commit '
                      f'{result["commit"]}, {result["date"]}; {len(points)} balanced points',
            'rules': rules}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('result', type=Path)
    parser.add_argument('--output', type=Path,
                        default=Path(__file__).resolve().parents[2] / 'model' / 'cuda' / 'gemm' /
                        'product_methods.json')
    arguments = parser.parse_args()
    result = json.loads(arguments.result.read_text(encoding='utf-8'))
    wrong = gpu_results.problems(result)
    if wrong:
        sys.exit(f'choose_methods: {arguments.result}: {wrong[0]}')
    try:
        table = method_table(result)
    except ValueError as error:
        sys.exit(f'choose_methods: {arguments.result}: {error}')
    arguments.output.write_text(json.dumps(table, indent=2) + '\n', encoding='utf-8')
    print(f'wrote {arguments.output}')


if __name__ == '__main__':
    main()
