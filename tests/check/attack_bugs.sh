#!/usr/bin/env bash
# Finds planted bugs of standing and cases: tests/check/attack_bugs.sh BUILD SEEDS NAME...
# For each, the first seed that fails in BUILD/attacks/NAME/check-attack, and what attack.py says of it.
set -uo pipefail
build=$1 seeds=$2
shift 2
found=0 missed=0
for bug in "$@"; do
    if line=$("$(dirname "$0")/attack.py" first "$build/attacks/$bug/check-attack" "$seeds"); then
        found=$((found + 1))
        printf '  %-20s seed %-5s %s\n' "$bug" "${line%% *}" "${line#* }"
    else
        missed=$((missed + 1))
        printf '  %-20s NOT FOUND: %s\n' "$bug" "$line"
    fi
done
echo "$found passed, $missed failed"
[ $missed -eq 0 ]
