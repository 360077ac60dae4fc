#!/usr/bin/env bash
# The style as a test: format, banned calls, lengths, words, scripts. The compilers' part is in the Makefile.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1
status=0

complain() {
    echo "lint: $1" >&2
    status=1
}

mapfile -t sources < <(find crypto ledger net tools tests -name '*.[ch]' | sort)
mapfile -t scripts < <(grep -rlE '^#!/(usr/)?bin/(env )?(ba)?sh' .ci tests tools | sort)
mapfile -t texts < <(find .ci crypto ledger net tools tests specs Makefile README.md -type f \
    -not -path 'tests/fuzz/corpus/*' -not -name '*.trace' -not -name '*.pyc' | sort)

misformatted=$(clang-format --dry-run -Werror "${sources[@]}" 2>&1 | grep -E 'error:' | cut -d: -f1,2 | uniq)
[ -z "$misformatted" ] || {
    echo "$misformatted"
    complain "the format differs: run 'make format'"
}

awk -f tests/lint/source.awk tests/lint/banned "${sources[@]}" || complain "see above, file and line"

# Unfinished work, and machines' own paths. A bracket keeps this script from finding itself.
grep -nE '[T]ODO|[F]IXME|\b[X]XX\b|[H]ACK\b|[s]implified for now|[n]ot implemented yet|[l]orem ipsum' "${texts[@]}" &&
    complain "unfinished work is not committed: do it, or describe it in specs/"
grep -nE '(^|[^A-Za-z0-9_.])/([w]ork|[r]oot|[h]ome)/' "${texts[@]}" &&
    complain "a path of one machine: use a path relative to the project, or an environment variable"
grep -nE '[[:space:]]$' "${texts[@]}" && complain "space at the end of a line"
grep -nE '^#[[:space:]]*(define|undef)[[:space:]]+NDEBUG|-DNDEBUG' "${texts[@]}" | grep -v '^tests/lint/' &&
    complain "assertions stay on, in releases too"

find tests -name 'test_*.py' -type f -not -perm -u+x | grep . &&
    complain "a test that is not executable is not run: chmod +x"

shellcheck "${scripts[@]}" || complain "shellcheck: see above"

exit $status
