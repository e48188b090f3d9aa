#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Checks traces with Perfetto's engine, which it first installs (once) into the folder BUILD.
#   run.sh BUILD [check_trace.mjs's options] FILE...
# Exit code: that of check_trace.mjs; 77 and a line "SKIP: why" where node, npm or the registry is
# missing.
set -eu

skip() {
  echo "SKIP: $1"
  exit 77
}

[ $# -ge 2 ] || { echo "usage: run.sh BUILD [options] FILE..." >&2; exit 2; }
here=$(cd "$(dirname "$0")" && pwd)
build=$1
shift

for tool in node npm; do
  command -v "$tool" >/dev/null 2>&1 || skip "no $tool on this machine"
done
node -e 'const [major, minor] = process.versions.node.split(".").map(Number);
         process.exit(major > 20 || (major === 20 && minor >= 12) ? 0 : 1);' ||
  skip "node $(node --version) is older than 20.12"

# The stamp is written last, so that an installation that was cut short is done again.
if ! cmp -s "$here/package-lock.json" "$build/installed.json"; then
  mkdir -p "$build"
  rm -f "$build/installed.json"
  cp "$here/package.json" "$here/package-lock.json" "$build/"
  if ! (cd "$build" && npm ci --ignore-scripts --no-audit --no-fund --fetch-retries=1 \
    --fetch-timeout=60000) >"$build/npm.log" 2>&1; then
    cat "$build/npm.log"
    # A package that is not the one we pinned is a finding, not an excuse.
    if grep -q EINTEGRITY "$build/npm.log"; then exit 1; fi
    skip "npm could not install the engine"
  fi
  cp "$here/package-lock.json" "$build/installed.json"
fi

exec node "$here/check_trace.mjs" --modules "$build" "$@"
