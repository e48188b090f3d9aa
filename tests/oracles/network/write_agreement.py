# SPDX-License-Identifier: Apache-2.0
"""Writes the agreement tables into docs/validation.md, between its markers.

    write_agreement.py AGREEMENT_TABLE WRITE_SMPI_CASES [MOST_RANKS]

Runs both programs and SMPI: a minute or two with 32 ranks, half an hour with 128, the default."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
PAGE = ROOT / 'docs' / 'validation.md'
BEGIN = '<!-- agreement: written by ./dev agreement -->\n'
END = '<!-- agreement: end -->\n'
SMPI = '''
### `flow` against SMPI
`tests/oracles/smpi`: the same collective as an MPI program on the platform that moesim exports, 12 ranks on 6 nodes.
"unequal_latencies": messages that meet on a link have ways of 4 and 8 us, and SimGrid's network model gives them shares
in proportion to 1 / latency, `flow` equal ones.

| case | `flow` | SMPI | difference |
|---|---|---|---|
'''


def output_of(command):
    run = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    if run.returncode != 0:
        sys.exit(f'{command[0]}: exit status {run.returncode}\n{run.stdout}')
    return run.stdout


def main():
    table, write_cases = sys.argv[1:3]
    smpi = output_of([str(ROOT / 'tests' / 'oracles' / 'smpi' / 'run.sh'), write_cases, '--markdown'])
    tables = output_of([table, *sys.argv[3:]]) + SMPI + smpi
    page = PAGE.read_text(encoding='utf-8')
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        sys.exit(f'{PAGE}: the markers of the agreement tables are missing')
    PAGE.write_text(before + BEGIN + tables + END + after, encoding='utf-8')


main()
