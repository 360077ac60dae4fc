#!/usr/bin/env bash
# Finds planted bugs: tests/sim/bugs.sh BUILD SEEDS NAME...
# For each, the first seed from 1 on that fails in BUILD/bugs/NAME/sim-run, and the check that caught it.
set -uo pipefail
build=$1 seeds=$2
shift 2
found=0 missed=0
for bug in "$@"; do
    out=$("$build/bugs/$bug/sim-run" find "$seeds" 1 2>"$build/bugs/$bug/stderr")
    code=$?
    line=$(tail -n 1 <<<"$out")
    if [ $code -eq 0 ]; then
        found=$((found + 1))
        printf '  %-24s seed %-5s %s\n' "$bug" "${line%% *}" "${line#* }"
    else
        missed=$((missed + 1))
        printf '  %-24s %s\n' "$bug" "NOT FOUND: $line"
    fi
done
echo "$found passed, $missed failed"
[ $missed -eq 0 ]
