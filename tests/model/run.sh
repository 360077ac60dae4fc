#!/usr/bin/env bash
# Checks the formal model with spin (specs/model.md): tests/model/run.sh BUILD [NAME...]
# Each setting is searched to its end, and each broken variant must be caught by the claim that names the rule it breaks.
# Prints a line a check and ends with 'model: N checks passed, M failed'. Exit status: 1 if one failed.
set -uo pipefail
build=${1:?the build folder}
shift
specs=$PWD/specs
passed=0 failed=0

# The settings that must hold, and the broken variants with the claim that catches each.
checks() {
    cat <<'END'
base            replication   holds
liar            replication   holds              -DLIAR
replay          replication   holds              -DREPLAY
restored        replication   holds              -DRESTORE_LOG
restored-bare   replication   holds              -DRESTORE_LOG -DHEAD_FILE_LOST
mirror          replication   holds              -DRESTORE_MIRROR
mirror-replay   replication   holds              -DRESTORE_MIRROR -DREPLAY -DFAULTS=0 -DNO_REFRESH
two-daemons     replication   holds              -DOTHER_DAEMON
unanimous       replication   holds              -DQUORUM=3
three-entries   replication   holds              -DSIZE=3
equivocating    equivocation  holds
league          equivocation  holds              -DLIAR
finish-early    replication   G3_halts_on_proof  -DFINISH_EARLY
no-cas          replication   G3_log_key         -DNO_CAS -DOTHER_DAEMON
early-answer    replication   G1_quorum          -DANSWER_BEFORE_QUORUM
no-guard        replication   G3_log_key         -DNO_GUARD -DRESTORE_LOG
quorum-guard    replication   G3_log_key_seen    -DGUARD_NEVER_ALL -DRESTORE_LOG -DHEAD_FILE_LOST
file-ignored    replication   G3_log_key         -DIGNORE_FILE -DRESTORE_LOG
file-late       replication   G3_log_key         -DLATE_HEAD_FILE -DRESTORE_LOG
file-behind     replication   G3_log_key_seen    -DFILE_BEHIND -DRESTORE_LOG
two-candidates  replication   G3_one_candidate   -DTWO_CANDIDATES
mixed-lines     replication   G1_stored_durably  -DMIXED_LINES
trust-claim     replication   G3_halts_on_proof  -DTRUST_CLAIM -DLIAR
shorter-log     replication   G3_witness_key     -DSHORTER_LOG -DREPLAY
early-cosign    replication   G1_stored_durably  -DCOSIGN_BEFORE_DURABLE
unproved        replication   G1_stored_durably  -DUNPROVED_PACKAGE
adopt-published replication   G3_witness_key     -DADOPT_PUBLISHED -DRESTORE_MIRROR -DREPLAY -DFAULTS=0 -DNO_REFRESH
no-mirror-guard replication   G3_witness_key     -DNO_COSIGNER_GUARD -DRESTORE_MIRROR -DREPLAY -DFAULTS=0 -DNO_REFRESH
inconsistent    equivocation  G3_witness_key     -DSKIP_CONSISTENCY
forget-pending  equivocation  G3_witness_key     -DFORGET_PENDING
no-overlap      equivocation  G2_one_history     -DQUORUM=1
no-overlap-lied equivocation  G2_provable        -DQUORUM=1 -DLIAR
false-evidence  equivocation  G2_evidence_true   -DEVIDENCE_UNCHECKED
lost-evidence   equivocation  G2_kept            -DEVIDENCE_LOST
END
}

# make_checker FOLDER FILE DEFINES...: spin writes a program that searches all states; -DCOLLAPSE packs them, MEMLIM is MiB.
make_checker() {
    local folder=$1 file=$2
    shift 2
    mkdir -p "$folder" && cp "$specs"/*.pml "$folder" && cd "$folder" || return 1
    rm -f pan.* pan ./*.trail
    spin -a "$@" "$file.pml" >spin.txt 2>&1 &&
        "${CC:-cc}" -O2 -w -DSAFETY -DNOCLAIM -DCOLLAPSE -DMEMLIM=4000 -o pan pan.c >>spin.txt 2>&1
}

# verdict OUTPUT: 'holds', the name of the claim that was broken, or what kept the search from its end.
verdict() {
    local claim
    claim=$(grep -oE 'assertion violated \(?[A-Za-z0-9_]+' "$1" | head -n 1 | grep -oE 'G[0-9]_[a-z_]+')
    if [ -n "$claim" ]; then
        echo "$claim"
    elif grep -q 'errors: 0' "$1" && ! grep -qE 'Search not completed|max search depth too small' "$1"; then
        echo holds
    else
        echo "not searched to the end: see $1"
    fi
}

# check NAME FILE EXPECTED DEFINES...
check() {
    local name=$1 file=$2 expected=$3 folder=$build/model/$1 start=$EPOCHREALTIME out got states memory
    shift 3
    out=$folder/pan.txt
    if (make_checker "$folder" "$file" "$@"); then
        # -E: a log that halted has no next step, and need not have one.
        (cd "$folder" && ./pan -m1000000 -w25 -E >pan.txt 2>&1)
        got=$(verdict "$out")
    else
        got="does not compile: see $folder/spin.txt"
    fi
    states=$(grep -oE '[0-9.e+]+ states, stored' "$out" 2>/dev/null | cut -d' ' -f1)
    memory=$(awk '/total actual memory usage/ { printf "%d", $1 }' "$out" 2>/dev/null)
    printf '  %-16s %-13s %11s states %5s MiB %6.1f s  %s' "$name" "$file" "${states:-0}" "${memory:-0}" \
        "$(awk "BEGIN { print $EPOCHREALTIME - $start }")" "$got"
    rm -f "$folder/pan" "$folder"/pan.[bchmpt]
    if [ "$got" = "$expected" ]; then
        passed=$((passed + 1))
        echo
    else
        failed=$((failed + 1))
        echo ", expected $expected"
    fi
}

mkdir -p "$build/model"
build=$(cd "$build" && pwd)
known=$(checks | awk '{ print $1 }')
for name in "$@"; do
    grep -qx -- "$name" <<<"$known" || { echo "model: no check is named $name; there are: ${known//$'\n'/ }" >&2; exit 2; }
done
while read -r name file expected defines; do
    if [ $# -gt 0 ] && [[ " $* " != *" $name "* ]]; then
        continue
    fi
    # shellcheck disable=SC2086 # each define is a word
    check "$name" "$file" "$expected" $defines
done < <(checks)
echo "model: $passed checks passed, $failed failed"
[ "$failed" -eq 0 ]
