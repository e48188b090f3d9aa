#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What ptxas reported of the grouped products: no kernel spills registers, and none has its wgmma
instructions run one after the other (C7510 to C7515), for each processor they are built for.

    ptxas_test.py OBJECT...
"""

import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from spills_test import spilling  # noqa: E402

SERIALISED = re.compile(r'\(C75\d\d\).*wgmma')


def findings(report):
    """(kernels, what is wrong) of a report."""
    kernels, found = spilling(report)
    found += [line for line in report.splitlines() if SERIALISED.search(line)]
    return kernels, found


def main():
    # The reader finds what there is.
    warning = ("ptxas info    : (C7515) Potential Performance Loss: wgmma.mma_async instructions are "
               "serialized due to non wgmma instructions in the function 'k'")
    assert findings(warning) == (0, [warning])
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
