#!/usr/bin/python3
"""Whether tests/mutants/operators.py finds the mutants of a small source, all of them and no others.

Ends with 'N passed, N failed'."""
import sys

from operators import mutants

SOURCE = r'''/* if (a < b) is a comment */
#define LESS(a, b) ((a) < (b) && 1 + 1 == 2)
static const int table[] = {1 + 1, 2 < 3};

static bool f(const char *a, int n) {
    const char *text = "a < b && c"; /* a == b */
    int sum = 0;
    assert(a != NULL && n > 0);
    for (int i = 0; i < n; i++) {
        if (a[i] == '&' || !skips(a)) {
            continue;
        }
        sum += add(sum,
                   n - 1);
        stop(sum);
    }
#ifdef DUTYLOG_BUG_X
    return n > 7;
#else
    n = sum;
#endif
    return memcmp(a, text, 4) < 0;
}

enum status g(int n) {
#ifndef DUTYLOG_BUG_Y
    TRY(h(n));
#endif
    if (n >= MAX) {
        return refuse(why, STATUS_FULL, "%d of %d", n,
                      n + 1);
    }
    while (n) {
        n--;
    }
    return h(n & 1);
}
'''

WANTED = {
    "int sum = 0;": ["int sum = 1;"],
    "for (int i = 0; i < n; i++) {": ["for (int i = 0; i <= n; i++) {", "for (int i = 0; i >= n; i++) {", "for (int i = 1; i < n; i++) {"],
    "if (a[i] == '&' || !skips(a)) {": [
        "if (a[i] != '&' || !skips(a)) {", "if (a[i] == '&' && !skips(a)) {", "if (!(a[i] == '&' || !skips(a))) {",
        "if (false) {", "if (a[i] == '&' || skips(a)) {"],
    "continue;": [";"],
    "sum += add(sum,": ["sum -= add(sum,"],
    "n - 1);": ["n + 1);", "n - 0);", "n - 2);"],
    "stop(sum);": [";"],
    "n = sum;": [";"],
    "return memcmp(a, text, 4) < 0;": [
        "return memcmp(a, text, 4) <= 0;", "return memcmp(a, text, 4) >= 0;", "return memcmp(a, text, 5) < 0;",
        "return memcmp(a, text, 3) < 0;", "return memcmp(a, text, 4) < 1;", "return memcmp(text, a, 4) < 0;", "return true;",
        "return false;"],
    "TRY(h(n));": [";"],
    "if (n >= MAX) {": ["if (n > MAX) {", "if (n < MAX) {", "if (false) {"],
    'return refuse(why, STATUS_FULL, "%d of %d", n,': ['return refuse(why, STATUS_OK, "%d of %d", n,'],
    "while (n) {": ["while (!(n)) {"],
    "n--;": ["n++;", ";"],
    "return h(n & 1);": ["return h(n | 1);", "return h(n & 2);", "return h(n & 0);", "return STATUS_OK;"],
}


def main():
    found = {}
    for m in mutants(SOURCE):
        found.setdefault(m.before, []).append(m.after)
        assert SOURCE.split("\n")[m.number - 1].strip() == m.before and m.function in "fg"
    failed = 0
    for line in WANTED.keys() | found.keys():
        missing, surplus = set(WANTED.get(line, [])) - set(found.get(line, [])), set(found.get(line, [])) - set(WANTED.get(line, []))
        if missing or surplus:
            failed += 1
            print(f"FAIL  {line}: missing {sorted(missing)}, surplus {sorted(surplus)}")
    print(f"{len(WANTED) - failed} passed, {failed} failed")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
