#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Measures a build and records it: bench/run.sh BUILD_DIR [--repeats N] [--no-record]
set -euo pipefail
root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
if [ "$#" -eq 0 ]; then
  echo "usage: bench/run.sh BUILD_DIR [--repeats N] [--no-record]" >&2
  exit 2
fi
exec python3 -B "$root/bench/measure.py" "$@"
