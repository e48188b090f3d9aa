#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Judges the model's numerics by PyTorch: writes the cases of cases.json with the program
# DUMP_CASES, and compares them with what PyTorch computes.
#   run.sh DUMP_CASES
# Exit code: 0 equal, 1 not; 77 and a line "SKIP: why" where Debian's python3-torch is missing.
set -eu

[ $# -eq 1 ] || { echo "usage: run.sh DUMP_CASES" >&2; exit 2; }
here=$(cd "$(dirname "$0")" && pwd)

# The system's interpreter: another python3 that comes first in PATH does not see Debian's packages.
python=/usr/bin/python3
if ! "$python" -c 'import torch, numpy' 2>/dev/null; then
  echo "SKIP: $python has no torch (Debian: apt-get install python3-torch)"
  exit 77
fi

cases=$(mktemp -d)
trap 'rm -rf "$cases"' EXIT
"$1" "$here/cases.json" "$cases"
"$python" -B "$here/check_cases.py" "$cases"
