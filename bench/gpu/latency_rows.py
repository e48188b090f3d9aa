# SPDX-License-Identifier: Apache-2.0
"""Writes the balanced forward passes of a result of tools/gpu_check as latency rows, the columns of
the public tables (github ai-dynamo/aiconfigurator, systems/data), for whoever fits a cost model:

    latency_rows.py RESULT [--mode burst|sustained] > rows.csv

The engine is the implementation. The kernel is `experts`: from tokens' rows to rows in the experts'
order, without routing and combine; or `layer`, with both. Of other distributions the public tables
have other counts: they stay in the result.
"""

import argparse
import csv
import json
import sys
from pathlib import Path

import gpu_results

COLUMNS = ['engine', 'version', 'kernel', 'experts', 'topk', 'hidden', 'inter', 'distribution',
           'tokens', 'latency_us']


def latency_rows(result, mode):
    """The rows, without their line of columns."""
    rows = []
    for values in result['rows']:
        row = dict(zip(result['columns'], values))
        if (row['pass'], row['mode'], row['distribution']) != ('forward', mode, 'balanced'):
            continue
        if row['time_s'] is None:
            continue
        shape = result['shapes'][row['shape']]
        rows.append([row['implementation'], result['commit'][:12], row['scope'], shape['experts'],
                     shape['top_k'], shape['hidden'], shape['units'], 'balanced', row['tokens'],
                     f'{row["time_s"] * 1e6:.4g}'])
    return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('result', type=Path)
    parser.add_argument('--mode', choices=('burst', 'sustained'), default='burst')
    arguments = parser.parse_args()
    result = json.loads(arguments.result.read_text(encoding='utf-8'))
    wrong = gpu_results.problems(result)
    if wrong:
        sys.exit(f'latency_rows: {arguments.result}: {wrong[0]}')
    machine = result['machine']
    print(f'# Measured by tools/gpu_check on {machine["gpu"]}, driver {machine["driver"]}, '
          f'{result["date"]}, {arguments.mode} clocks.')
    writer = csv.writer(sys.stdout, lineterminator='\n')
    writer.writerow(COLUMNS)
    writer.writerows(latency_rows(result, arguments.mode))


if __name__ == '__main__':
    main()
