#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the catalogue's experiments and writes docs/answers.md: each question with its answer in figures.

    tools/write_answers.py MOESIM [NAME ...]

MOESIM is the built program. With names (02_capacity_factor) only these are run again, and the other
sections are kept. All of them take some minutes."""

import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CATALOG = ROOT / 'experiments' / 'catalog'
PAGE = ROOT / 'docs' / 'answers.md'
HEAD = '''# Answers

What the experiments of `experiments/catalog/` found, written by `tools/write_answers.py` from their runs: means over the
seeds that they sweep, with the half-width of a 95 % interval (Student's t) where it is above a tenth of a percent.
Synthetic routing is drawn from a named distribution, numerics is that of a gate trained on real text (docs/models.md).
'''
# (heading, column of the results, factor, format, which end is best)
FIGURES = [
    ('step (ms)', 'step_time_s', 1e3, '{:.4g}', min),
    ('tokens/s/GPU', 'tokens_per_s_per_gpu', 1, '{:.4g}', None),
    ('drop %', 'drop_rate', 100, '{:.3g}', None),
    ('validation loss', 'validation_loss', 1, '{:.4f}', min),
    ('rank load max/mean', 'rank_load.max_over_mean', 1, '{:.3g}', None),
]


def lines_of(command):
    """What a command prints, one JSON object a line."""
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode not in (0, 1):
        sys.exit(f'{" ".join(command)}: exit status {done.returncode}')
    return [json.loads(line) for line in done.stdout.splitlines()]


def is_seed(axis):
    return axis.endswith('seed')


def swept_of(rows):
    """The swept keys, in the order in which they come."""
    return list(dict.fromkeys(axis for row in rows for axis in row['scenario']['swept']))


def figures_of(rows):
    """Those of FIGURES that these points have and that say something."""
    without = set()
    if any(row['validation_loss'] is None for row in rows):
        without.add('validation loss')
    if not any(row['drop_rate'] for row in rows):
        without.add('drop %')
    return [figure for figure in FIGURES if figure[0] not in without]


def run(moesim, file):
    """The points' rows, and their table by configuration: means over the seeds."""
    with tempfile.TemporaryDirectory() as folder:
        rows = lines_of([moesim, 'run', str(file), '--json', '--output', folder])
        ok = [row for row in rows if row['status'] == 'ok']
        columns = ','.join(column for _, column, *_ in figures_of(ok))
        command = [moesim, 'results', str(next(Path(folder).iterdir())), '--json', '--limit', '0',
                   '--status', 'ok', '--columns', columns]
        for axis in filter(is_seed, swept_of(ok)):
            command += ['--over', axis]
        return rows, lines_of(command)


def text_of(value):
    return value if isinstance(value, str) else json.dumps(value)


def grouped(rows):
    """Rows by their swept values but for the seeds, in the order in which they come."""
    groups = {}
    for row in rows:
        key = tuple((axis, text_of(value)) for axis, value in row['scenario']['swept'].items()
                    if not is_seed(axis))
        groups.setdefault(key, []).append(row)
    return groups


def identity_of(values):
    """The same of values and of what a table writes for them: lists and objects are texts there."""
    return json.dumps([json.loads(value) if isinstance(value, str) and value.startswith(('[', '{'))
                       else value for value in values])


def means_of(groups, table):
    """The table's row of each group."""
    axes = [axis for axis in swept_of(sum(groups.values(), [])) if not is_seed(axis)]
    by_values = {identity_of(row[axis] for axis in axes): row for row in table}
    return {key: by_values[identity_of(rows[0]['scenario']['swept'].get(axis) for axis in axes)]
            for key, rows in groups.items()}


def cell(means, figure):
    _, column, factor, pattern, _ = figure
    mean = means[column] * factor
    half = (means.get(column + '_ci95') or 0) * factor
    return pattern.format(mean) + (f' ± {half:.2g}' if half > 1e-3 * abs(mean) else '')


def best_lines(table, figures):
    """Which group is best in each figure that has a best, and those that none beats in all."""
    goals = [(heading, column, best) for heading, column, _, _, best in figures if best]
    means = {key: [row[column] for _, column, _ in goals] for key, row in table.items()}
    names = {key: ', '.join(f'{axis.split(".")[-1]} {value}' for axis, value in key)
             for key in table}
    lines = []
    for index, (heading, _, best) in enumerate(goals):
        first = best(means, key=lambda key: means[key][index])
        last = max(means, key=lambda key: means[key][index])
        ratio = means[last][index] / means[first][index]
        lines.append(f'Least {heading}: {names[first]}; most: {names[last]}, {ratio:.3g} times as much.')
    if len(goals) > 1:
        front = [key for key in means
                 if not any(all(a <= b for a, b in zip(means[other], means[key])) and
                            means[other] != means[key] for other in means)]
        lines.append('Beaten by no other in both: ' + '; '.join(names[key] for key in front) + '.')
    return lines


def section_of(moesim, file):
    rows, table = run(moesim, file)
    ok = [row for row in rows if row['status'] == 'ok']
    question = re.search(r'"question": "([^"]+)"', file.read_text(encoding='utf-8')).group(1)
    lines = [f'## {file.stem}', f'*{question}*', '', f'Routing: {", ".join(sorted({row["routing_source"] for row in ok}))}.'
             f' {len(ok)} of {len(rows)} points.', '']
    groups = grouped(ok)
    means = means_of(groups, table)
    figures = figures_of(ok)
    axes = list(dict.fromkeys(axis for key in groups for axis, _ in key))
    heads = [axis.removeprefix('routing.synthetic.').split('.')[-1] for axis in axes]
    if len(groups) > 1:
        lines += best_lines(means, figures) + ['']
    lines.append('| ' + ' | '.join(heads + [figure[0] for figure in figures] + ['held by']) + ' |')
    lines.append('|' + '---|' * (len(heads) + len(figures) + 1))
    for key, members in groups.items():
        values = dict(key)
        cells = [values.get(axis, '') for axis in axes]
        cells += [cell(means[key], figure) for figure in figures]
        cells.append(', '.join(sorted({row['deciding_tier'] for row in members})))
        lines.append('| ' + ' | '.join(cells) + ' |')
    return '\n'.join(lines) + '\n'


def main():
    moesim, names = sys.argv[1], sys.argv[2:]
    kept = {}
    if PAGE.exists():
        for part in PAGE.read_text(encoding='utf-8').split('\n## ')[1:]:
            kept[part.split('\n', 1)[0]] = '## ' + part.strip('\n') + '\n'
    sections = []
    for file in sorted(CATALOG.glob('*.json')):
        if names and file.stem not in names and file.stem in kept:
            sections.append(kept[file.stem])
        else:
            print(file.stem, file=sys.stderr)
            sections.append(section_of(moesim, file))
    PAGE.write_text(HEAD + '\n' + '\n'.join(sections), encoding='utf-8')


main()
