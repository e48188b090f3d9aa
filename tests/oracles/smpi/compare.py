# SPDX-License-Identifier: Apache-2.0
"""Asks SMPI for the time of every case in a folder that write_cases wrote, and holds `flow` against
it. One line a case; exit status 1 when a difference is above its tolerance.

    compare.py FOLDER PROGRAM [--markdown]

PROGRAM is collective.c, compiled by smpicc."""

import csv
import subprocess
import sys
from pathlib import Path

RANKS = 12
TOLERANCE = 0.02
# SMPI's factors for TCP over Ethernet and for the MPI library's own costs are off.
SETTINGS = {
    'network/model': 'CM02',
    'network/optim': 'Full',
    'network/crosstraffic': 'no',
    'network/TCP-gamma': '1e20',
    'network/loopback-bw': '1e18',
    'network/loopback-lat': '0',
    'surf/precision': '1e-14',
    'smpi/simulate-computation': 'no',
    'smpi/async-small-thresh': '0',
    'smpi/send-is-detached-thresh': '0',
    'smpi/os': '0:0:0:0:0',
    'smpi/ois': '0:0:0:0:0',
    'smpi/or': '0:0:0:0:0',
    'smpi/iprobe': '0',
    'smpi/test': '0',
    'smpi/wtime': '0',
    'smpi/host-speed': '1Gf',
}


def smpi_time(folder, program, case):
    """Seconds from the first rank's begin to the last one's end."""
    hosts = folder / 'hosts'
    names = [f'node{rank // 2}/gpu{rank % 2}' for rank in range(RANKS)]
    hosts.write_text('\n'.join(names) + '\n')
    settings = dict(SETTINGS, **{'smpi/' + case['collective']: case['algorithm']})
    what = str(folder / case['counts']) if case['counts'] else case['bytes']
    command = ['smpirun', '-np', str(RANKS), '-platform', str(folder / (case['fabric'] + '.xml')),
               '-hostfile', str(hosts), *(f'--cfg={key}:{value}' for key, value in settings.items()),
               '--log=root.thres:error', str(program), case['collective'], what]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    times = [tuple(map(float, line.split())) for line in run.stdout.splitlines()
             if len(line.split()) == 2]
    if run.returncode != 0 or len(times) != RANKS:
        sys.exit(f'{case["name"]}: smpirun failed\n{run.stdout}{run.stderr}')
    return max(end for _, end in times) - min(begin for begin, _ in times)


def main():
    folder, program = Path(sys.argv[1]), Path(sys.argv[2])
    row = '| {} | {} | {} | {} |' if '--markdown' in sys.argv else '{:44} {:>12} {:>12} {:>9}'
    with open(folder / 'cases.tsv', encoding='utf-8') as table:
        cases = list(csv.DictReader(table, delimiter='\t'))
    bad = 0
    for case in cases:
        ours, theirs = float(case['time_s']), smpi_time(folder, program, case)
        difference = ours / theirs - 1
        bad += abs(difference) > TOLERANCE
        print(row.format(case['name'], f'{ours * 1e6:.2f} us', f'{theirs * 1e6:.2f} us',
                         f'{difference * 100:+.3f} %'))
    if bad:
        sys.exit(f'{bad} of {len(cases)} cases differ by more than {TOLERANCE:.0%}')


main()
