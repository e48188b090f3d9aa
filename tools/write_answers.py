#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the catalogue's experiments and writes docs/answers.md: each question with its answer in figures.

    tools/write_answers.py MOESIM [NAME ...]

MOESIM is the built program. With names (02_capacity_factor) only these are run again, and the other
sections are kept. All of them take some minutes."""

import json
import re
import statistics
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
# (heading, value of a row, format, which end is best)
FIGURES = [
    ('step (ms)', lambda row: row['step_time_s'] * 1e3, '{:.4g}', min),
    ('tokens/s/GPU', lambda row: row['tokens_per_s_per_gpu'], '{:.4g}', None),
    ('drop %', lambda row: row['drop_rate'] * 100, '{:.3g}', None),
    ('validation loss', lambda row: row['validation_loss'], '{:.4f}', min),
    ('rank load max/mean', lambda row: row['rank_load']['max_over_mean'], '{:.3g}', None),
]
# Two-sided 95 % quantiles of Student's t by degrees of freedom.
STUDENT_T = {1: 12.706, 2: 4.303, 3: 3.182, 4: 2.776, 5: 2.571, 6: 2.447, 7: 2.365, 8: 2.306, 9: 2.262}


def rows_of(moesim, file):
    with tempfile.TemporaryDirectory() as folder:
        command = [moesim, 'run', str(file), '--json', '--output', folder]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode not in (0, 1):
        sys.exit(f'{file}: exit status {done.returncode}')
    return [json.loads(line) for line in done.stdout.splitlines()]


def text_of(value):
    return value if isinstance(value, str) else json.dumps(value)


def grouped(rows):
    """Rows by their swept values but for the seeds, in the order in which they come."""
    groups = {}
    for row in rows:
        key = tuple((axis, text_of(value)) for axis, value in row['scenario']['swept'].items()
                    if not axis.endswith('seed'))
        groups.setdefault(key, []).append(row)
    return groups


def cell(values, pattern):
    mean = statistics.fmean(values)
    text = pattern.format(mean)
    if len(values) < 2:
        return text
    half = STUDENT_T[len(values) - 1] * statistics.stdev(values) / len(values) ** 0.5
    return text + (f' ± {half:.2g}' if half > 1e-3 * abs(mean) else '')


def best_lines(groups, figures):
    """Which group is best in each figure that has a best, and those that none beats in all."""
    goals = [(heading, value, best) for heading, value, _, best in figures if best]
    means = {key: [statistics.fmean(map(value, rows)) for _, value, _ in goals]
             for key, rows in groups.items()}
    names = {key: ', '.join(f'{axis.split(".")[-1]} {value}' for axis, value in key)
             for key in groups}
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
    rows = rows_of(moesim, file)
    ok = [row for row in rows if row['status'] == 'ok']
    question = re.search(r'"question": "([^"]+)"', file.read_text(encoding='utf-8')).group(1)
    lines = [f'## {file.stem}', f'*{question}*', '', f'Routing: {", ".join(sorted({row["routing_source"] for row in ok}))}.'
             f' {len(ok)} of {len(rows)} points.', '']
    groups = grouped(ok)
    figures = [figure for figure in FIGURES
               if all(row['validation_loss'] is not None for row in ok) or figure[0] != 'validation loss']
    if not any(row['drop_rate'] for row in ok):
        figures = [figure for figure in figures if figure[0] != 'drop %']
    axes = list(dict.fromkeys(axis for key in groups for axis, _ in key))
    heads = [axis.removeprefix('routing.synthetic.').split('.')[-1] for axis in axes]
    if len(groups) > 1:
        lines += best_lines(groups, figures) + ['']
    lines.append('| ' + ' | '.join(heads + [figure[0] for figure in figures] + ['held by']) + ' |')
    lines.append('|' + '---|' * (len(heads) + len(figures) + 1))
    for key, members in groups.items():
        values = dict(key)
        cells = [values.get(axis, '') for axis in axes]
        cells += [cell([value(row) for row in members], pattern) for _, value, pattern, _ in figures]
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
