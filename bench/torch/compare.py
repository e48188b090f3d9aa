# SPDX-License-Identifier: Apache-2.0
"""Measures moesim's training step and forward pass against PyTorch's on the same model, weights and
bytes, in interleaved rounds of fresh processes. Prints medians and ratios, and writes
bench/results/<date>-<processor>-torch.json. Exit status 1 when a goal is missed.

PyTorch's products are those of the BLAS it finds, so it is measured with each there is: the
system's, OpenBLAS as it comes, and OpenBLAS tuned (kernels for the processor's widest vectors,
memory that is kept between steps). The goals hold against the first two."""

import argparse
import datetime
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.append(str(HERE.parent))
from measure import commit, machine  # noqa: E402

PYTHON = '/usr/bin/python3'  # the one that sees Debian's python3-torch
OPENBLAS = Path('/usr/lib/x86_64-linux-gnu')
SEQUENCES = 8
GOALS = {'train': 1.5, 'forward': 2.0}  # tokens per second over PyTorch's
PEAK_GOAL = 1.0  # peak memory over PyTorch's, at most
LOSS_TOLERANCE = 1e-4  # relative: both compute the same
BUSY = 0.9  # of the processor time that there is
TUNED = {
    'ATEN_CPU_CAPABILITY': 'avx512',
    'OPENBLAS_CORETYPE': 'SKYLAKEX',
    # Freed memory stays in the process, so that a step's pages are there already.
    'MALLOC_MMAP_MAX_': '0',
    'MALLOC_TRIM_THRESHOLD_': '4000000000',
    'MALLOC_TOP_PAD_': '67108864',
}


@dataclass(frozen=True)
class Contender:
    name: str
    command: tuple  # before the mode
    environment: dict = field(default_factory=dict)
    is_slow: bool = False  # measured in the first round only

    def run(self, arguments, threads):
        environment = {**os.environ, **self.environment, 'OMP_NUM_THREADS': str(threads),
                       'OPENBLAS_NUM_THREADS': str(threads)}
        answer = subprocess.run([*self.command, *arguments], env=environment, text=True,
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, check=False)
        if answer.returncode != 0:
            sys.exit(f'bench: {self.name} ended with {answer.returncode}')
        return json.loads(answer.stdout)


def openblas_folder(named):
    """Where a libblas.so.3 of OpenBLAS lies; None when there is none."""
    if named is not None:
        if not (named / 'libblas.so.3').exists():
            sys.exit(f'bench: there is no libblas.so.3 in {named}')
        return named
    # The OpenMP build shares PyTorch's threads; the pthread build has threads of its own.
    kinds = ('openblas-openmp', 'openblas-pthread')
    return next((OPENBLAS / kind for kind in kinds
                 if (OPENBLAS / kind / 'libblas.so.3').exists()), None)


def openblas_version(folder):
    """Build and version: "openblas-pthread/libopenblasp-r0.3.21.so"."""
    names = [path.name for path in folder.glob('libopenblas*-r*.so')] if folder else []
    return f'{folder.name}/{names[0]}' if names else None


def library_path(folder):
    """Finds the folder's BLAS first. Without active waiting PyTorch's idle threads do not take the
    processor from those of a BLAS that has its own."""
    rest = os.environ.get('LD_LIBRARY_PATH')
    return {'LD_LIBRARY_PATH': f'{folder}:{rest}' if rest else str(folder),
            'OMP_WAIT_POLICY': 'PASSIVE'}


def without_path(environment):
    """What a record keeps: where a library lies is this machine's business."""
    return {key: value for key, value in environment.items() if key != 'LD_LIBRARY_PATH'}


def has_avx512():
    flags = re.search(r'^flags\s*:(.*)$', Path('/proc/cpuinfo').read_text(encoding='utf-8'), re.M)
    return flags is not None and 'avx512vl' in flags.group(1).split()


def find_contenders(moesim, options):
    torch = (PYTHON, '-B', str(HERE / 'torch_train_bench.py'))
    contenders = [Contender('moesim', (str(moesim),))]
    folder = openblas_folder(options.blas)
    if folder is None:
        print('no OpenBLAS here (Debian: libopenblas0-openmp); PyTorch has the system BLAS alone')
    else:
        contenders.append(Contender('torch, OpenBLAS', torch, library_path(folder)))
        if has_avx512():
            contenders.append(
                Contender('torch, OpenBLAS tuned', torch, {**library_path(folder), **TUNED}))
    if not options.no_system_blas:
        contenders.append(Contender('torch, system BLAS', torch, is_slow=True))
    return contenders


def run_rounds(contenders, start, options):
    """All runs by (mode, threads, contender), the contenders taking turns."""
    runs = {}
    for number in range(options.rounds):
        for mode in GOALS:
            for threads in options.threads:
                for contender in contenders:
                    if contender.is_slow and number > 0:
                        continue
                    arguments = [mode, str(HERE / 'model.json'), start, str(threads),
                                 str(options.seconds)]
                    runs.setdefault((mode, threads, contender.name), []).append(
                        contender.run(arguments, threads))
        print(f'round {number + 1} of {options.rounds} done', file=sys.stderr)
    return runs


def summarise(mode, threads, name, runs):
    tokens = runs[0]['tokens']
    steps = [second for run in runs for second in run['seconds']]
    summary = {'mode': mode, 'threads': threads, 'contender': name,
               'tokens_per_s': tokens / statistics.median(steps),
               'tokens_per_s_of_each_round': [tokens / statistics.median(run['seconds'])
                                              for run in runs],
               # Below 1 where other processes took the processor away.
               'cpu_share': statistics.median(run['cpu_seconds'] / statistics.mean(run['seconds'])
                                              for run in runs) / threads,
               'peak_rss_bytes': statistics.median(run['peak_rss_bytes'] for run in runs),
               'losses': runs[0]['losses']}
    for key in ('import_rss_bytes', 'version'):
        if key in runs[0]:
            summary[key] = runs[0][key]
    return summary


def check_losses(summaries, ours):
    """Both compute the same before either is timed."""
    for theirs in summaries:
        for a, b in zip(ours['losses'], theirs['losses']):
            if not abs(a - b) <= LOSS_TOLERANCE * abs(b):
                sys.exit(f'bench: losses differ: moesim {a}, {theirs["contender"]} {b}')


def judge(summaries):
    """moesim against each other contender."""
    ratios = []
    for ours in (s for s in summaries if s['contender'] == 'moesim'):
        others = [s for s in summaries if s['contender'] != 'moesim' and
                  (s['mode'], s['threads']) == (ours['mode'], ours['threads'])]
        check_losses(others, ours)
        for theirs in others:
            # Round by round, so that what slows a round down slows both.
            speed = statistics.median(
                a / b for a, b in zip(ours['tokens_per_s_of_each_round'],
                                      theirs['tokens_per_s_of_each_round']))
            memory = ours['peak_rss_bytes'] / theirs['peak_rss_bytes']
            # The goals are against PyTorch as it is installed; the tuned one shows what is left.
            goal = 0.0 if theirs['contender'].endswith('tuned') else GOALS[ours['mode']]
            ratios.append({'mode': ours['mode'], 'threads': ours['threads'],
                           'against': theirs['contender'], 'speed': speed, 'peak_rss': memory,
                           'goal': goal, 'met': speed >= goal and memory <= PEAK_GOAL})
    return ratios


def warn_if_busy(summaries):
    least = min(s['cpu_share'] for s in summaries if s['contender'] == 'moesim')
    if least < BUSY:
        print(f'\nother processes ran: moesim had {least:.0%} of the processor; measure again')


def print_tables(summaries, ratios):
    print(f'{"":9}{"threads":>7}  {"":24}{"tokens/s":>10}{"cpu share":>11}{"peak RSS":>10}')
    for s in summaries:
        print(f'{s["mode"]:9}{s["threads"]:>7}  {s["contender"]:24}{s["tokens_per_s"]:>10,.0f}'
              f'{s["cpu_share"]:>11.2f}{s["peak_rss_bytes"] / 1e6:>7,.0f} MB')
    print(f'\n{"moesim":9}{"threads":>7}  {"against":24}{"speed":>8}{"goal":>7}{"peak RSS":>10}')
    for r in ratios:
        goal = f'{r["goal"]:.1f}x' if r['goal'] else 'none'
        print(f'{r["mode"]:9}{r["threads"]:>7}  {r["against"]:24}{r["speed"]:>7.2f}x'
              f'{goal:>7}{r["peak_rss"]:>9.2f}x{"" if r["met"] else "   missed"}')


def write_record(record):
    slug = re.sub(r'[^a-z0-9]+', '-', record['machine']['processor'].lower()).strip('-')
    path = HERE.parent / 'results' / f'{record["date"]}-{slug}-torch.json'
    path.write_text(json.dumps(record, indent=2) + '\n', encoding='utf-8')
    print(f'\nwrote {path.relative_to(HERE.parent.parent)}')


def parse_options():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('bench', type=Path, help='the program moesim_train_bench')
    parser.add_argument('--rounds', type=int, default=5)
    parser.add_argument('--seconds', type=float, default=3.0, help='at least, of each run')
    parser.add_argument('--threads', type=int, nargs='+',
                        default=sorted({1, len(os.sched_getaffinity(0))}))
    parser.add_argument('--blas', type=Path, help='a folder with the libblas.so.3 of an OpenBLAS')
    parser.add_argument('--no-system-blas', action='store_true', help='leave that one out')
    parser.add_argument('--no-record', action='store_true', help='print only')
    return parser.parse_args()


def main():
    options = parse_options()
    if subprocess.run([PYTHON, '-c', 'import torch'], capture_output=True,
                      check=False).returncode != 0:
        sys.exit(f'bench: {PYTHON} has no torch (Debian: python3-torch)')
    if not os.access(options.bench, os.X_OK):
        sys.exit(f'bench: {options.bench} is not there; build with -DMOESIM_BENCH=ON')
    contenders = find_contenders(options.bench.resolve(), options)
    record = {'date': datetime.date.today().isoformat(), 'commit': commit(), 'machine': machine(),
              'rounds': options.rounds, 'seconds': options.seconds, 'sequences': SEQUENCES,
              'model': json.loads((HERE / 'model.json').read_text(encoding='utf-8')),
              'openblas': openblas_version(openblas_folder(options.blas)),
              'environments': {c.name: without_path(c.environment) for c in contenders}}
    with tempfile.TemporaryDirectory() as folder:
        start = str(Path(folder) / 'start.safetensors')
        subprocess.run([str(options.bench), 'start', str(HERE / 'model.json'), str(SEQUENCES),
                        start], check=True)
        runs = run_rounds(contenders, start, options)
    record['runs'] = [summarise(*key, of_key) for key, of_key in runs.items()]
    record['ratios'] = judge(record['runs'])
    print_tables(record['runs'], record['ratios'])
    warn_if_busy(record['runs'])
    if not options.no_record:
        write_record(record)
    return 0 if all(ratio['met'] for ratio in record['ratios']) else 1


if __name__ == '__main__':
    sys.exit(main())
