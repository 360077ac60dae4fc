#!/usr/bin/env bash
# A check that cannot fail is none: shows each part of the lint something wrong and expects it to complain.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
mkdir -p "$folder/ledger" "$folder/net"
status=0

# refused WHAT FILE TEXT: source.awk complains of the file (a path below `folder`), in words that have TEXT.
refused() {
    local said
    said=$(cd "$folder" && awk -f "$OLDPWD/tests/lint/source.awk" "$OLDPWD/tests/lint/banned" "$2") && said="(nothing) $said"
    [[ $said == *"$3"* ]] || { echo "lint: selftest: $1 is not refused: $said" && status=1; }
}
accepted() {
    local said
    said=$(cd "$folder" && awk -f "$OLDPWD/tests/lint/source.awk" "$OLDPWD/tests/lint/banned" "$2") ||
        { echo "lint: selftest: $1 is refused: $said" && status=1; }
}

printf 'void f(char *a) {\n    strcpy(a, "b");\n}\n' >"$folder/ledger/a.c"
refused "a banned call" ledger/a.c "a.c:2: strcpy: use"
printf 'void f(void) {\n    time(NULL);\n}\n' | tee "$folder/ledger/a.c" >"$folder/net/a.c"
refused "a clock in the core" ledger/a.c "time: use"
accepted "a clock in the shell" net/a.c
printf '/* strcpy(a, b)\n * atoi(a) */\nint f(void) {\n    return g("gets(x)", h->time(1));\n}\n' >"$folder/ledger/a.c"
accepted "a banned word in a comment, a string or a member" ledger/a.c
{ echo 'int f(int a,' && echo '      int b) {' && seq 69 | sed 's/.*/    a++;/' && echo '}'; } >"$folder/ledger/a.c"
refused "a long function" ledger/a.c "a function of 71 lines"
{ echo 'int f(int a) {' && seq 68 | sed 's/.*/    a++;/' && echo '}'; } >"$folder/ledger/a.c"
accepted "a function of 70 lines" ledger/a.c
seq 601 | sed 's/.*/int a;/' >"$folder/ledger/a.c"
refused "a long file" ledger/a.c "over 600 lines"
echo 'int a; // b' >"$folder/ledger/a.c"
refused "another comment" ledger/a.c "comments are"
echo '#ifndef A' >"$folder/ledger/a.h"
refused "a header that does not say what it is for" ledger/a.h "begins with a comment"

# uses LINES TEXT: layers.awk, given these lines after the rules, complains in words that have TEXT.
uses() {
    local said
    said=$({ sed 's/^/rule /' tests/lint/layers.allow && printf '%b' "$1"; } | awk -f tests/lint/layers.awk) && said="(nothing)"
    [[ $said == *"$2"* ]] || { echo "lint: selftest: layers: not refused ($2): $said" && status=1; }
}
defined='defined net server_open net/a.o\ndefined crypto random_fill crypto/b.o\nincluded ledger/c.c string.h 1\n'
uses "${defined}uses ledger open ledger/c.o\n" "ledger/c.o: may not use open"
uses "${defined}uses ledger malloc ledger/c.o\n" "may not use malloc"
uses "${defined}uses ledger server_open ledger/c.o\n" "a layer above"
uses "${defined}uses ledger random_fill ledger/c.o\n" "may not use random_fill"
uses "${defined}uses crypto mdb_get crypto/c.o\n" "may not use mdb_get"
uses "${defined}uses ledger memcpy ledger/c.o\nincluded ledger/c.c uv.h 3\n" "ledger/c.c:3: may not include uv.h"
uses "${defined}uses ledger memcpy ledger/c.o\nincluded ledger/c.h net/loop.h 3\n" "may not include net/loop.h"
uses "${defined}uses ledger memcpy ledger/c.o\nincluded net/c.h tools/cli.h 3\n" "may not include tools/cli.h"

exit $status
