#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs nvcc and keeps what ptxas says of registers and spills beside the object, in X.o.ptxas, where
a test reads it; all else that the compiler says is passed on.

    keep_ptxas_report.py NVCC ARGUMENTS
"""

import re
import subprocess
import sys

OF_PTXAS = re.compile(r'^ptxas (info|warning)|^\s+\d+ bytes (stack frame|gmem|cmem)|^\s*Function properties')


def main():
    command = sys.argv[1:]
    done = subprocess.run(command, stderr=subprocess.PIPE, text=True, check=False)
    lines = done.stderr.splitlines(keepends=True)
    report = [line for line in lines if OF_PTXAS.search(line)]
    passed_on = [line for line in lines if line not in report or line.startswith('ptxas warning')]
    sys.stderr.write(''.join(passed_on))
    if report and '-o' in command:
        with open(command[command.index('-o') + 1] + '.ptxas', 'w', encoding='utf-8') as file:
            file.writelines(report)
    return done.returncode


if __name__ == '__main__':
    sys.exit(main())
