#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Judges the times of collectives by SMPI, SimGrid's MPI: writes the cases with the program
# WRITE_CASES, runs the same collectives as an MPI program, and compares.
#   run.sh WRITE_CASES [--markdown]
# Exit code: 0 equal, 1 not; 77 and a line "SKIP: why" where smpicc or smpirun is missing.
set -eu

[ $# -ge 1 ] || { echo "usage: run.sh WRITE_CASES [--markdown]" >&2; exit 2; }
here=$(cd "$(dirname "$0")" && pwd)
write_cases=$1
shift

for tool in smpicc smpirun; do
  command -v "$tool" >/dev/null 2>&1 || {
    echo "SKIP: no $tool on this machine (Debian: apt-get install libsimgrid-dev)"
    exit 77
  }
done

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
smpicc -O2 -o "$folder/collective" "$here/collective.c"
"$write_cases" "$folder"
python3 -B "$here/compare.py" "$folder" "$folder/collective" "$@"
