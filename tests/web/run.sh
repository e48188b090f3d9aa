#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Runs a test of pages with the packages that it needs, which are installed (once) into the folder
# MODULES.
#   run.sh MODULES TEST.mjs [ARGUMENTS]
# Exit code: that of the test; 77 and a line "SKIP: why" where node, npm, the registry or Chromium
# is missing.
set -eu

skip() {
  echo "SKIP: $1"
  exit 77
}

[ $# -ge 2 ] || { echo "usage: run.sh MODULES TEST.mjs [ARGUMENTS]" >&2; exit 2; }
page=$(cd "$(dirname "$0")/../../experiments/report/page" && pwd)
modules=$1
shift

for tool in node npm; do
  command -v "$tool" >/dev/null 2>&1 || skip "no $tool on this machine"
done
node -e 'process.exit(Number(process.versions.node.split(".")[0]) >= 18 ? 0 : 1);' ||
  skip "node $(node --version) is older than 18"
[ -x "${CHROMIUM:-/usr/bin/chromium}" ] || skip "no Chromium on this machine (apt: chromium)"

if [ -n "${MOESIM:-}" ] && "$MOESIM" report nowhere 2>&1 | grep -q "built without"; then
  skip "moesim was built without the page"
fi

# The stamp is written last, so that an installation that was cut short is done again.
if ! cmp -s "$page/package-lock.json" "$modules/installed.json"; then
  mkdir -p "$modules"
  rm -f "$modules/installed.json"
  cp "$page/package.json" "$page/package-lock.json" "$page/.npmrc" "$modules/"
  if ! (cd "$modules" && npm ci --ignore-scripts --no-audit --no-fund --fetch-retries=1 \
    --fetch-timeout=60000) >"$modules/npm.log" 2>&1; then
    cat "$modules/npm.log"
    # A package that is not the one we pinned is a finding, not an excuse.
    if grep -q EINTEGRITY "$modules/npm.log"; then exit 1; fi
    skip "npm could not install the packages"
  fi
  cp "$page/package-lock.json" "$modules/installed.json"
fi

MOESIM_MODULES="$modules" exec node --test "$@"
