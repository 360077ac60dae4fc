#!/usr/bin/env bash
# Finds the planted bugs of standing and cases (tests/check/attack.mk): tests/check/attack_bugs.sh [NAME...]
# For each, by default all that are built, the first seed that fails in B/attacks/NAME/check-attack, and what
# attack.py says of it. B names the build folder; SEEDS (2,000) how many are tried.
set -uo pipefail
build=${B:-build} seeds=${SEEDS:-2000}
if [ $# -eq 0 ]; then
    for folder in "$build"/attacks/*; do
        set -- "$@" "$(basename "$folder")"
    done
fi
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
