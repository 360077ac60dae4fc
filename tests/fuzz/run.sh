#!/usr/bin/env bash
# Runs the fuzzers, two at a time, for SECONDS in all:
#   tests/fuzz/run.sh BUILD SECONDS NAME...
# Each starts from its seeds (BUILD/tests/fuzz-seeds), what is in tests/fuzz/corpus/NAME, and what earlier runs found
# worth keeping in build/corpus/NAME. A find is written to build/finds/NAME-*, and fails the run; once mended it
# belongs into tests/fuzz/corpus/NAME, which `make test` replays.
set -uo pipefail
build=${1:?the build folder}
seconds=${2:?seconds}
shift 2
finds=build/finds
jobs=2
each=$((seconds * jobs / $#))
[ "$each" -ge 1 ] || each=1

mkdir -p "$finds" build/corpus
"$build/tests/fuzz-seeds" build/corpus || exit 1
echo "fuzz: $# parsers, $each s each, $jobs at a time"

# The options are libFuzzer's: -timeout is of one input, in seconds.
fuzz_one() {
    local name=$1 log=$finds/$1.log
    local -a corpora=("build/corpus/$name")
    [ ! -d "tests/fuzz/corpus/$name" ] || corpora+=("tests/fuzz/corpus/$name")
    rm -f "$finds/$name"-*
    if "$build/tests/fuzz-$name" -max_total_time="$each" -timeout=10 -rss_limit_mb=1024 -max_len=20000 \
        -artifact_prefix="$finds/$name-" -print_final_stats=1 -verbosity=1 "${corpora[@]}" >"$log" 2>&1; then
        printf '  %-16s %9s runs, coverage %s, corpus %s\n' "$name" \
            "$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")" \
            "$(grep -o 'cov: [0-9]*' "$log" | tail -1 | cut -d' ' -f2)" "$(find "build/corpus/$name" -type f | wc -l)"
    else
        printf '  %-16s FAILED: %s\n' "$name" "$(echo "$finds/$name"-*)"
        tail -40 "$log"
        touch "$finds/failed"
    fi
}

rm -f "$finds/failed"
for name in "$@"; do
    while [ "$(jobs -rp | wc -l)" -ge "$jobs" ]; do wait -n; done
    fuzz_one "$name" &
done
wait
if [ -e "$finds/failed" ]; then
    echo "fuzz: failed"
    exit 1
fi
echo "fuzz: nothing found"
