#!/usr/bin/env bash
# The simulator's part of `make test`: all stories, some seeds and, in the plain build, every planted bug.
# B names the build folder. Ends with the line 'N passed, N failed'.
set -uo pipefail
build=${B:-build}
run=$build/tests/sim-run
seeds=60
[ "$build" = build ] || seeds=15
passed=0 failed=0

count() { # adds the 'N passed, N failed' line that ends the output $1
    if [[ $(tail -n 1 <<<"$1") =~ ^([0-9]+)\ passed,\ ([0-9]+)\ failed$ ]]; then
        passed=$((passed + BASH_REMATCH[1])) failed=$((failed + BASH_REMATCH[2]))
    else
        failed=$((failed + 1))
    fi
    echo "$1"
}

count "$("$run" stories tests/sim/stories 2>&1)"

out=$("$run" seeds $seeds 1 2>&1)
echo "$out"
if [[ $(tail -n 1 <<<"$out") =~ ^sim:\ ([0-9]+)\ seeds,\ [0-9]+\ steps,\ ([0-9]+)\ failures$ ]]; then
    failed=$((failed + BASH_REMATCH[2])) passed=$((passed + BASH_REMATCH[1] - BASH_REMATCH[2]))
else
    failed=$((failed + 1))
fi

if [ -d "$build/bugs" ]; then
    names=()
    for folder in "$build"/bugs/*; do
        names+=("$(basename "$folder")")
    done
    count "$(tests/sim/bugs.sh "$build" 100 "${names[@]}")"
fi
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
