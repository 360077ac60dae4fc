#!/usr/bin/env bash
# Runs test programs and sums what they say.
#   tests/run.sh unit BUILD         every Criterion binary BUILD/tests/unit-*; a sanitizer's report is a failure
#   tests/run.sh scripts BUILD F... scripts, each given BUILD in the environment as B: one that ends with a line
#                                   'N passed, N failed' is counted so, another by its exit status (77: skipped)
#   tests/run.sh command BUILD NAME COMMAND...  the same of one command
#   tests/run.sh all                what `make test` has built, all of it, and the total
#   tests/run.sh total BUILD        prints 'N passed, N failed[, N skipped]' over all that ran since `reset`
#   tests/run.sh reset BUILD        forgets what ran
# Exit status: 1 if anything failed. Output of each program is kept in BUILD/results/.
set -uo pipefail

limit=${TEST_LIMIT:-600} # seconds that one program may take
lanes=${LANES:-2}        # scripts at a time
action=${1:?what to do: all, unit, scripts, command, total or reset}
build=${2:-build}
shift $(($# < 2 ? $# : 2))
results=build/results
export PYTHONDONTWRITEBYTECODE=1
# ThreadSanitizer's shadow memory does not fit the wider address randomisation of some kernels.
fixed_addresses=()
[ "$build" = build ] || ! setarch -R true 2>/dev/null || fixed_addresses=(setarch -R)

# record NAME PASSED FAILED SKIPPED
record() {
    mkdir -p "$results"
    echo "$2 $3 $4 $1" >>"$results/counts"
    local skipped=""
    [ "$4" -eq 0 ] || skipped=", $4 skipped"
    printf '  %-44s %s\n' "$1" "$2 passed, $3 failed$skipped"
    [ "$3" -eq 0 ]
}

# Criterion passes a test that leaks, since the leak is found after its process's last word. So sanitizers write
# to files, and a file is a failure.
sanitized() {
    local log=$PWD/$results/$1.san
    rm -f "$log".*
    ASAN_OPTIONS=log_path=$log:detect_stack_use_after_return=1:strict_string_checks=1 \
        UBSAN_OPTIONS=log_path=$log:print_stacktrace=1 TSAN_OPTIONS=log_path=$log:second_deadlock_stack=1 \
        timeout --kill-after=10 "$limit" "${fixed_addresses[@]}" "${@:2}"
}

sanitizer_reports() {
    local count=0 file
    for file in "$results/$1.san".*; do
        [ -e "$file" ] || continue
        count=$((count + 1))
        sed 's/^/    /' "$file" | head -60 >&2
    done
    echo "$count"
}

run_unit() {
    local binary=$1 name out code passed failed skipped reports
    name=$(basename "$binary") # of the form build-address/tests/unit-net
    [ "$build" = build ] || name="$name.${build#build-}"
    out=$results/$name.tap
    sanitized "$name" "$binary" --tap >"$out" 2>&1
    code=$?
    passed=$(grep -c '^ok - ' "$out")
    skipped=$(grep -c '^ok - .* # SKIP' "$out")
    failed=$(grep -c '^not ok - ' "$out")
    passed=$((passed - skipped))
    if [ "$failed" -gt 0 ]; then
        # What a test says on stderr comes before its own line.
        grep -v -e '^ok - ' -e '^# ' "$out" | head -200 >&2
    elif [ "$code" -ne 0 ] || [ $((passed + skipped)) -eq 0 ]; then
        echo "$binary: exit status $code (124: over $limit s), no test named as failed:" >&2
        tail -20 "$out" >&2
        failed=1
    fi
    reports=$(sanitizer_reports "$name")
    # A test that failed by its report is one failure, not two.
    failed=$((failed > reports ? failed : reports))
    record "$name" "$passed" "$failed" "$skipped"
}

run_script() {
    local name=${1#*tests/}
    [ "$build" = build ] || name="$name.${build#build-}"
    run_command "$name" "./$1"
}

# run_command NAME COMMAND...
run_command() {
    local name=$1 out code last passed=0 failed=0 skipped=0
    shift
    out=$results/${name//\//-}.txt
    B=$build sanitized "${name//\//-}" "$@" >"$out" 2>&1
    code=$?
    last=$(tail -n 1 "$out")
    if [[ $last =~ ^([0-9]+)\ passed,\ ([0-9]+)\ failed(,\ ([0-9]+)\ skipped)?$ ]]; then
        passed=${BASH_REMATCH[1]} failed=${BASH_REMATCH[2]} skipped=${BASH_REMATCH[4]:-0}
        [ "$code" -eq 0 ] || [ "$failed" -gt 0 ] || failed=1
    elif [ $code -eq 0 ]; then
        passed=1
    elif [ $code -eq 77 ]; then
        skipped=1
    else
        failed=1
    fi
    [ "$failed" -eq 0 ] || { echo "$*: exit status $code:" && tail -40 "$out"; } >&2
    failed=$((failed + $(sanitizer_reports "${name//\//-}")))
    record "$name" "$passed" "$failed" "$skipped"
}

run_all() {
    local status=0 kind
    "$0" reset build
    for kind in build build-address build-thread; do
        echo "$kind:"
        "$0" unit "$kind" || status=1
    done
    build-address/tests/fuzz-seeds build/corpus && "$0" scripts build-address build-address/tests/replay-* || status=1
    local -a scripts daemon=() threaded=()
    scripts=(tests/check/agree.py tests/check/schema.py tests/check/standing.py tests/check/attack.py tests/check/attack_bugs.sh tests/mutants/selftest.py
        tests/sim/check.sh)
    for kind in tests/crash/*.sh tests/crash/*.py; do
        [ ! -x "$kind" ] || scripts+=("$kind")
    done
    for kind in tests/integration/*.sh tests/integration/*.py; do
        [ ! -x "$kind" ] || daemon+=("$kind")
    done
    # Half a minute each of waiting, or commands more than threads at work: not under ThreadSanitizer.
    for kind in "${daemon[@]}"; do
        case $kind in
        */test_limits.py | */test_health.py | */test_gossip.py | */test_monitor.py | */test_ceremony.py) ;;
        */test_succession.py | */test_install.py | */test_runbook.py | */test_lists.py | */test_import.py) ;;
        */test_watch.py | */test_absence.py | */test_rules.py) ;;
        *) threaded+=("$kind") ;;
        esac
    done
    "$0" scripts build "${daemon[@]}" "${scripts[@]}" || status=1
    KILLS=3 "$0" scripts build-address "${daemon[@]}" tests/sim/check.sh || status=1
    KILLS=3 "$0" scripts build-thread "${threaded[@]}" || status=1
    "$0" total build || status=1
    return $status
}

status=0
mkdir -p "$results"
case $action in
all)
    run_all
    status=$?
    ;;
reset)
    rm -rf "$results"
    ;;
unit)
    for binary in "$build"/tests/unit-*; do
        [ -x "$binary" ] || continue
        run_unit "$binary" || status=1
    done
    ;;
scripts)
    # Two at a time: most of them mostly wait. Each world takes ports of its own (tests/integration/world.py).
    running=0
    for script in "$@"; do
        if [ "$running" -ge "$lanes" ]; then
            wait -n || status=1
            running=$((running - 1))
        fi
        run_script "$script" &
        running=$((running + 1))
    done
    while [ "$running" -gt 0 ]; do
        wait -n || status=1
        running=$((running - 1))
    done
    ;;
command)
    run_command "$@"
    status=$?
    ;;
total)
    [ -e "$results/counts" ] || { echo "nothing was run" >&2; exit 1; }
    awk '{ p += $1; f += $2; s += $3; if ($2) print "failed: " $4 }
        END { printf "%d passed, %d failed%s\n", p, f, s ? ", " s " skipped" : ""; exit f > 0 }' "$results/counts"
    status=$?
    ;;
*)
    echo "no such action: $action" >&2
    exit 2
    ;;
esac
exit $status
