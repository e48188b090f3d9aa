#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What ptxas reported beside each object: no kernel spills registers, none has its wgmma
instructions run one after the other (C7510 to C7515), and none that moves registers between its
warps (setmaxnreg) begins with others than it counts on, for each processor they are built for.

    ptxas_test.py OBJECT...
"""

import re
import sys
from pathlib import Path

ENTRY = re.compile(r"Compiling entry function '(\S+)' for '(sm_\w+)'")
SPILLS = re.compile(r'(\d+) bytes spill stores, (\d+) bytes spill loads')
SERIALISED = re.compile(r'\(C75\d\d\).*wgmma')
REGISTERS = re.compile(r'Used (\d+) registers')
# Where ptxas passes over setmaxnreg or hands out others, warps wait for registers for ever:
# 168 x 384 threads are 56 x 128 + 224 x 256 (gemm/warpgroup_kernel.h).
WARPGROUPS = re.compile(r'warpgroup_product\S* for sm_90a$')
OF_WARPGROUPS = '168'


def findings(report):
    """(kernels, what is wrong) of a report."""
    kernels = 0
    found = []
    entry = None
    for line in report.splitlines():
        if match := ENTRY.search(line):
            entry = ' for '.join(match.groups())
            kernels += 1
        elif (match := SPILLS.search(line)) and match.groups() != ('0', '0'):
            found.append(f'{entry}: {match.group(0)}')
        elif (match := REGISTERS.search(line)) and WARPGROUPS.search(entry or ''):
            if match.group(1) != OF_WARPGROUPS:
                found.append(f'{entry}: {match.group(0)}, and {OF_WARPGROUPS} are counted on')
        elif SERIALISED.search(line) or 'setmaxnreg' in line:
            found.append(line)
    return kernels, found


def check_reader():
    """The reader finds what there is."""
    spill = ("ptxas info    : Compiling entry function 'k' for 'sm_80'\n"
             "    8 bytes stack frame, 4 bytes spill stores, 4 bytes spill loads\n")
    assert findings(spill) == (1, ['k for sm_80: 4 bytes spill stores, 4 bytes spill loads'])
    warning = ("ptxas info    : (C7515) Potential Performance Loss: wgmma.mma_async instructions are "
               "serialized due to non wgmma instructions in the function 'k'")
    assert findings(warning) == (0, [warning])
    passed_over = "ptxas warning : 'setmaxnreg' ignored to maintain minimum register requirements."
    assert findings(passed_over) == (0, [passed_over])
    fewer = ("ptxas info    : Compiling entry function '_Z17warpgroup_productv' for 'sm_90a'\n"
             'ptxas info    : Used 160 registers, used 1 barriers\n')
    assert findings(fewer) == (1, ['_Z17warpgroup_productv for sm_90a: Used 160 registers, and 168 '
                                   'are counted on'])
    assert findings(fewer.replace('160', '168')) == (1, [])


def main():
    check_reader()
    bad = []
    for name in (part for argument in sys.argv[1:] for part in argument.split(';')):
        if not name.endswith('.cu.o'):
            continue
        kernels, found = findings(Path(name + '.ptxas').read_text(encoding='utf-8'))
        if kernels == 0:
            bad.append(f'{name}: the report names no kernel')
        bad += found
        print(f'{Path(name).name}: {kernels} kernels, {len(found)} findings')
    print('\n'.join(bad))
    return 1 if bad else 0


if __name__ == '__main__':
    sys.exit(main())
