#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""No kernel of the CUDA library spills registers: reads what ptxas reported beside each object.

    spills_test.py OBJECT...
"""

import re
import sys
from pathlib import Path

ENTRY = re.compile(r"Compiling entry function '(\S+)' for '(sm_\w+)'")
SPILLS = re.compile(r'(\d+) bytes spill stores, (\d+) bytes spill loads')


def spilling(report):
    """(kernels, those that spill) of a report."""
    kernels = 0
    found = []
    entry = None
    for line in report.splitlines():
        if match := ENTRY.search(line):
            entry = ' for '.join(match.groups())
            kernels += 1
        elif (match := SPILLS.search(line)) and match.groups() != ('0', '0'):
            found.append(f'{entry}: {match.group(0)}')
    return kernels, found


def main():
    # The reader finds a spill where there is one.
    example = ("ptxas info    : Compiling entry function 'k' for 'sm_80'\n"
               "    8 bytes stack frame, 4 bytes spill stores, 4 bytes spill loads\n")
    assert spilling(example) == (1, ['k for sm_80: 4 bytes spill stores, 4 bytes spill loads'])
    bad = []
    for name in (part for argument in sys.argv[1:] for part in argument.split(';')):
        kernels, found = spilling(Path(name + '.ptxas').read_text(encoding='utf-8'))
        if kernels == 0:
            bad.append(f'{name}: the report names no kernel')
        bad += found
        print(f'{Path(name).name}: {kernels} kernels, {len(found)} spill')
    print('\n'.join(bad))
    return 1 if bad else 0


if __name__ == '__main__':
    sys.exit(main())
