#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Runs an experiment and has Perfetto's engine read both of its traces.
#   real_run.sh ENGINE_FOLDER MOESIM EXPERIMENT [MOESIM ARGS]
# Exit code: that of run.sh (77 = skipped, in plain sight).
set -eu
engine=$1
moesim=$2
experiment=$3
shift 3
results=$(mktemp -d)
trap 'rm -rf "$results"' EXIT
"$moesim" run "$experiment" --output "$results" "$@" >/dev/null
set -- "$results"/*/latest/trace.json.gz "$results"/*/latest/trace.pftrace.gz
"$(dirname "$0")/run.sh" "$engine" "$@"
