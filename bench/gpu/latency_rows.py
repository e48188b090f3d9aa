# SPDX-License-Identifier: Apache-2.0
"""Writes the balanced forward passes of a result of tools/gpu_check as latency rows
(docs/file_formats.md), for whoever fits a cost model:

    latency_rows.py RESULT [--mode burst|sustained] [--scope layer|experts] > rows.csv

The engine is the implementation. The kernel is the scope: `layer`, as the public tables time it; or
`experts`, from tokens' rows to rows in the experts' order, without routing and combination. A file
has rows of one scope, since a fit takes all rows of an engine for one way of computing. Of other
distributions the public tables have other counts: they stay in the result.
"""

import argparse
import csv
import json
import sys
from pathlib import Path

import gpu_results

COLUMNS = ['engine', 'version', 'kernel', 'experts', 'topk', 'hidden', 'inter', 'distribution',
           'tokens', 'latency_us']


def latency_rows(result, mode, scope='layer'):
    """The rows, without their line of columns."""
    rows = []
    for values in result['rows']:
        row = dict(zip(result['columns'], values))
        of_row = (row['pass'], row['mode'], row['distribution'], row['scope'])
        if of_row != ('forward', mode, 'balanced', scope) or row['time_s'] is None:
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
    parser.add_argument('--scope', choices=gpu_results.SCOPES, default='layer')
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
    writer.writerows(latency_rows(result, arguments.mode, arguments.scope))


if __name__ == '__main__':
    main()
