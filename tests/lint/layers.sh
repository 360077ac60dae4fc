#!/usr/bin/env bash
# Who uses whom: checks the objects in a build folder (nm -u) and every #include against tests/lint/layers.allow.
#   tests/lint/layers.sh BUILD
set -euo pipefail
cd "$(dirname "$0")/../.."
build=${1:?the build folder}

{
    sed 's/^/rule /' tests/lint/layers.allow
    for folder in crypto ledger net; do
        for object in "$build/$folder"/*.o; do
            name=${object#"$build"/}
            # An object of a source that is gone says nothing about the code.
            [ -e "${name%.o}.c" ] || continue
            nm --defined-only -g "$object" | awk -v f="$folder" -v o="$name" 'NF == 3 { print "defined", f, $3, o }'
            nm -u "$object" | awk -v f="$folder" -v o="$name" 'NF == 2 { print "uses", f, $2, o }'
        done
    done
    grep -Hn '^[[:space:]]*#[[:space:]]*include' crypto/*.[ch] ledger/*.[ch] net/*.[ch] tools/*.[ch] |
        sed -E 's/^([^:]*):([0-9]+):.*include[[:space:]]*[<"]([^>"]*)[>"].*/included \1 \3 \2/'
} | awk -f tests/lint/layers.awk
