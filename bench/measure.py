# SPDX-License-Identifier: Apache-2.0
"""Measures a build of moesim: the stages of moesim_bench, and whole commands against their goals.
Prints a table and writes bench/results/<date>-<processor>.json."""

import argparse
import datetime
import json
import os
import platform
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CATALOG = ROOT / 'experiments' / 'catalog'
def all_to_all(cluster, nodes, skew, fidelity):
    """Arguments that bench one all-to-all-v of 256 MiB a rank on 8 accelerators a node."""
    return ['bench-collective', '--cluster', cluster, '--set', f'cluster.num_nodes={nodes}',
            '--collective', 'all_to_all', '--skew', skew, '-b', '256M', '-e', '256M',
            '--fidelity', fidelity]


def seeds(count, workers):
    """Arguments that run the 64-rank step under so many seeds."""
    return ['run', CATALOG / '01_moe_step.json', '-j', str(workers),
            '--set', f'sweep={json.dumps({"router.seed": list(range(count))})}']


# (name, arguments of `moesim`, goals: medians that must stay below)
COMMANDS = [
    ('quickstart', ['run', CATALOG / '00_quickstart.json'], {'wall_s': 15.0}),
    ('moe step, 64 ranks', ['run', CATALOG / '01_moe_step.json'], {'wall_s': 1.0}),
    ('moe step, 1,024 ranks',
     ['run', CATALOG / '01_moe_step.json', '--set', 'cluster.num_nodes=128'],
     {'wall_s': 1.0, 'peak_rss_bytes': 500e6}),
    # A sweep of 1,000 points in a minute on two cores; there two workers are 1.8 times as fast as one.
    ('sweep, 1,000 points, 2 workers', seeds(1000, 2), {'wall_s': 60.0}),
    ('sweep, 100 points, 1 worker', seeds(100, 1), {'wall_s': 12.0}),
    ('sweep, 100 points, 2 workers', seeds(100, 2), {'wall_s': 6.6}),
    ('all-to-all-v, 1,024 ranks', all_to_all('h100_rail_fat_tree', 128, 'zipf', 'collective'),
     {'wall_s': 0.1}),
    ('all-to-all-v, 4,096 ranks', all_to_all('h100_rail_fat_tree', 512, 'zipf', 'collective'),
     {'wall_s': 1.0}),
    ('flow, skewed, 128 ranks', all_to_all('h100_single_switch', 16, 'zipf', 'flow'),
     {'wall_s': 15.0}),
    ('flow, skewed, hashed, 128 ranks', all_to_all('h100_rail_fat_tree', 16, 'zipf', 'flow'),
     {'wall_s': 15.0}),
    ('flow, uniform, 1,024 ranks', all_to_all('h100_single_switch', 128, 'uniform', 'flow'),
     {'wall_s': 15.0}),
]


def measure_once(moesim, arguments, folder):
    """Wall time, peak resident memory of the largest process, and the answer of one run."""
    command = [str(moesim), *map(str, arguments), '--json']
    if arguments[0] == 'run':
        command += ['--output', folder]
    with open(Path(folder) / 'stdout', 'w+', encoding='utf-8') as stdout, \
         open(Path(folder) / 'stderr', 'w+', encoding='utf-8') as stderr:
        start = time.perf_counter()
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=stdout, stderr=stderr)
        _, status, usage = os.wait4(process.pid, 0)  # its usage has that of its workers
        wall_s = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        stdout.seek(0)
        stderr.seek(0)
        if process.returncode != 0:
            sys.exit(f'bench: {" ".join(command)} ended with {process.returncode}\n{stderr.read()}')
        answer = json.loads(stdout.readline())
    return {'wall_s': wall_s, 'peak_rss_bytes': usage.ru_maxrss * 1024,
            'simulated_s': answer.get('step_time_s', answer.get('time_s'))}


def measure_command(moesim, name, arguments, goals, repeats):
    runs = []
    for _ in range(repeats):
        with tempfile.TemporaryDirectory() as folder:  # so that no run finds another's results
            runs.append(measure_once(moesim, arguments, folder))
    if len({run['simulated_s'] for run in runs}) != 1:
        sys.exit(f'bench: {name}: equal runs gave different times (INV-5)')
    medians = {key: statistics.median(run[key] for run in runs)
               for key in ('wall_s', 'peak_rss_bytes')}
    shown = [str(a.relative_to(ROOT)) if isinstance(a, Path) else a for a in arguments]
    return {'name': name, 'arguments': shown, 'simulated_s': runs[0]['simulated_s'], **medians,
            'wall_s_of_each': [run['wall_s'] for run in runs], 'goals': goals,
            'met': all(medians[key] < goal for key, goal in goals.items())}


def measure_stages(bench, repeats):
    """Median nanoseconds and counters of each benchmark in moesim_bench."""
    command = [str(bench), '--benchmark_format=json', f'--benchmark_repetitions={repeats}']
    answer = subprocess.run(command, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    of_name = {}
    for entry in json.loads(answer.stdout)['benchmarks']:
        if entry['run_type'] == 'iteration':
            of_name.setdefault(entry['run_name'], []).append(entry)
    stages = []
    for name, entries in of_name.items():
        counters = {key: statistics.median(entry[key] for entry in entries)
                    for key in entries[0] if key.endswith('_per_s') or key == 'loaded_links'}
        stages.append({'name': name, 'counters': counters,
                       'cpu_time_ns': statistics.median(entry['cpu_time'] for entry in entries)})
    return stages


def processor():
    try:
        text = Path('/proc/cpuinfo').read_text(encoding='utf-8')
        return re.search(r'^model name\s*:\s*(.+)$', text, re.M).group(1).strip()
    except (OSError, AttributeError):
        return platform.processor() or platform.machine()


def machine():
    return {'processor': processor(), 'cores': len(os.sched_getaffinity(0)),
            'memory_bytes': os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES'),
            'system': platform.system(),
            'load_average': os.getloadavg()[0]}


def commit():
    command = ['git', '-C', str(ROOT), 'describe', '--always', '--dirty', '--abbrev=40',
               '--exclude=*']
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    return answer.stdout.strip() or 'unknown'


def print_table(stages, commands):
    print(f'{"stage":32}{"median":>14}   counters')
    for stage in stages:
        counters = ', '.join(f'{key} {value:.4g}' for key, value in stage['counters'].items())
        print(f'{stage["name"]:32}{stage["cpu_time_ns"]:>11,.0f} ns   {counters}')
    print(f'\n{"command":32}{"wall":>9}{"goal":>9}{"peak RSS":>12}{"goal":>11}')
    for command in commands:
        goals = command['goals']
        wall = f'{goals["wall_s"]:g} s' if 'wall_s' in goals else '-'
        rss = f'{goals["peak_rss_bytes"] / 1e6:,.0f} MB' if 'peak_rss_bytes' in goals else '-'
        print(f'{command["name"]:32}{command["wall_s"]:>7.2f} s{wall:>9}'
              f'{command["peak_rss_bytes"] / 1e6:>9,.0f} MB{rss:>11}'
              f'{"" if command["met"] else "   missed"}')


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('build', type=Path, help='a build folder with moesim and moesim_bench')
    parser.add_argument('--repeats', type=int, default=5)
    parser.add_argument('--no-record', action='store_true', help='print only')
    options = parser.parse_args()
    moesim, bench = options.build / 'cli' / 'moesim', options.build / 'bench' / 'moesim_bench'
    for binary in (moesim, bench):
        if not os.access(binary, os.X_OK):
            sys.exit(f'bench: {binary} is not there; build with -DMOESIM_BENCH=ON')
    record = {'date': datetime.date.today().isoformat(), 'commit': commit(), 'machine': machine(),
              'repeats': options.repeats}
    record['stages'] = measure_stages(bench, options.repeats)
    record['commands'] = [measure_command(moesim, *command, options.repeats)
                          for command in COMMANDS]
    print_table(record['stages'], record['commands'])
    if not options.no_record:
        slug = re.sub(r'[^a-z0-9]+', '-', record['machine']['processor'].lower()).strip('-')
        path = ROOT / 'bench' / 'results' / f'{record["date"]}-{slug}.json'
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(record, indent=2) + '\n', encoding='utf-8')
        print(f'\nwrote {path.relative_to(ROOT)}')
    return 0 if all(command['met'] for command in record['commands']) else 1


if __name__ == '__main__':
    sys.exit(main())
