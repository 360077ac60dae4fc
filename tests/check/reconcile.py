#!/usr/bin/python3
"""Compares two published lists, as specs/lists.md has it, and shares no code with dutylog.

    reconcile.py A B --mapping FILE [--roster FILE] [--find NAME] [--roots]

Prints one JSON object with the counts, and the keys of absent rows where --find is given.
"""
import argparse, collections, csv, functools, gzip, hashlib, io, json, re, sys

BLANK = re.compile("[\x00-\x20\x7f\x85\xa0]+")


SMALL = {ord(c): ord(c) - 32 for c in "abcdefghijklmnopqrstuvwxyz"}


def upper(text):
    return text.translate(SMALL)


def read_ini(path):
    """Sections of (name, value) pairs; an indented line is one more value of the name before."""
    sections, pairs, name = collections.defaultdict(list), None, None
    for line in open(path, encoding="utf-8"):
        text = re.split(r"\s;", line.rstrip(), maxsplit=1)[0].rstrip()
        if not text.strip() or text.lstrip()[0] in ";#":
            continue
        if text[0] == "[":
            pairs, name = sections[text[1:text.index("]")]], None
        elif name is not None and line[0] in " \t":
            pairs.append((name, text.strip()))
        else:
            name, value = (part.strip() for part in re.split("[=:]", text, maxsplit=1))
            pairs.append((name, value))
    return sections


class Mapping:
    def __init__(self, path):
        ini = read_ini(path)
        every = lambda section, name: [v for n, v in ini[section] if n == name]
        split = lambda values: [part.strip(" ") for value in values for part in value.split(",")]
        self.keys, self.others = split(every("list", "key")), split(every("list", "other"))
        self.person = next(iter(every("list", "person")), None)
        self.columns, self.outcomes = dict(ini["columns"]), dict(ini["outcome"])
        self.finds, self.strips = collections.defaultdict(list), collections.defaultdict(list)
        for name, text in ini["find"]:
            self.finds[name] += [upper(t.strip(" ")) for t in text.split("|") if t.strip(" ")]
        for label, patterns in ini["strip"]:
            self.strips[label] += ["".join("[0-9]" if c == "#" else re.escape(c) for c in upper(p)) for p in patterns.split(" ") if p]

    @functools.cache
    def cell(self, label, raw):
        text = upper(BLANK.sub(" ", raw).strip(" "))
        again = True
        while again:
            again = False
            for pattern in self.strips.get(label, ()):
                match = re.match(pattern, text)
                if match and match.end() > 0:
                    text = text[match.end():]
                    text = text[1:] if text.startswith(" ") else text
                    again = True
                    break
        return text


# A quoted cell: a quote that no blanks and then an end follow stands for itself, two of them for one.
CELL = re.compile(r'[ \t]*(?:"((?:[^"]|""|"(?![ \t]*(?:[,\r\n]|\Z)))*)"[ \t]*|([^,\r\n]*))(,|\r|\n|\Z)')


def cells_of(text):
    if not re.search(r'(?:^|[,\r\n])[ \t]+"', text):  # the quick way, where nothing is out of the ordinary
        try:
            return [row for row in csv.reader(io.StringIO(text, newline=""), strict=True) if row]
        except csv.Error:
            pass
    rows, row, at = [], [], 0
    while at < len(text):
        cell = CELL.match(text, at)
        quoted, plain, end = cell.groups()
        row.append(plain if quoted is None else quoted.replace('""', '"'))
        at = cell.end()
        if end != ",":
            rows += [row] if len(row) > 1 or quoted is not None or plain else []
            row = []
    return rows + ([row + [""]] if row else [])


def lines_of(path):
    data = open(path, "rb").read()
    data = gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data
    text = []
    while data:  # a byte that is no UTF-8 becomes U+FFFD by itself
        try:
            text.append(data.decode())
            break
        except UnicodeDecodeError as wrong:
            text += [data[:wrong.start].decode(), "\ufffd"]
            data = data[wrong.start + 1:]
    rows = cells_of("".join(text).replace("\0", "\ufffd"))
    header = [name.strip("".join(map(chr, range(33)))) for name in rows[0]]
    header[0] = header[0].removeprefix("\ufeff").strip()
    return header, rows[1:]


def read_list(path, mapping):
    header, rows = lines_of(path)
    at = {label: header.index(mapping.columns.get(label, label)) for label in mapping.keys + mapping.others}
    kept = collections.defaultdict(collections.Counter)
    leaves = []
    for row in rows:
        cells = lambda labels: tuple(mapping.cell(l, row[at[l]] if at[l] < len(row) else "") for l in labels)
        key, other = cells(mapping.keys), cells(mapping.others)
        leaf = json.dumps([key, other], ensure_ascii=False, separators=(",", ":")).encode()
        if any(key) and len(leaf) <= 8192:
            kept[key][other] += 1
            leaves.append(leaf)
    return kept, sorted(leaves)


def root_of(leaves):
    def tree(n, m):
        if m - n == 1:
            return hashlib.sha256(b"\0" + leaves[n]).digest()
        k = 1
        while 2 * k < m - n:
            k *= 2
        return hashlib.sha256(b"\1" + tree(n, n + k) + tree(n + k, m)).digest()
    return (tree(0, len(leaves)) if leaves else hashlib.sha256(b"").digest()).hex()


# --- outcomes ---
def items_of(cell):
    parts, depth, text = [], 0, ""
    for c in cell:
        if c == "," and depth == 0:
            parts.append(text)
            text = ""
            continue
        depth += 1 if c == "(" else -1 if c == ")" and depth > 0 else 0
        text += c
    items = []
    for part in (p.strip(" ") for p in parts + [text]):
        if part:
            numbers = [m for m in re.finditer(r"\((?=([0-9]+))", part) if re.fullmatch("0|[1-9][0-9]{0,8}", m[1])]
            items.append((part[:numbers[-1].start()].strip(" "), int(numbers[-1][1])) if numbers else (part, 0))
    return list(dict.fromkeys(items))


def weigh_items(old, new):
    left = items_of(new)
    lower = higher = False
    for name, number in items_of(old):
        fits = [i for i, (n, _) in enumerate(left) if n == name]
        if not fits:
            lower = True
            continue
        best = min(fits, key=lambda i: abs(left[i][1] - number))
        lower, higher = lower or left[best][1] < number, higher or left[best][1] > number
        del left[best]
    if lower:
        return "mixed" if higher or left else "lower"
    return "higher" if higher else "fuller" if left else None


def weigh_ranks(ranks, old, new):
    groups = [[upper(v.strip(" ")) for v in group.split(",")] for group in ranks.split("|")]
    place = lambda v: next((i for i, group in enumerate(groups) if v in group), None)
    a, b = place(old), place(new)
    if a is None or b is None:
        return "mixed"
    return "lower" if b > a else "higher" if b < a else None


def weigh(mapping, old, new):
    total = None
    for label, a, b in zip(mapping.others, old, new):
        if label in mapping.outcomes and a != b:
            rule = mapping.outcomes[label]
            said = weigh_items(a, b) if rule == "items" else weigh_ranks(rule, a, b)
            if said and total and said != total:
                said = total if said == "fuller" else said if total == "fuller" else "mixed"
            total = said or total
    return total or "other"


def compare(a, b, mapping, roster=None, finds=None):
    counts = collections.Counter()
    names = []
    order = lambda counter: sorted(counter.elements(), key=lambda o: json.dumps(o, ensure_ascii=False, separators=(",", ":")).encode())
    for key in set(a) | set(b):
        if finds and not any(text in json.dumps(key, ensure_ascii=False, separators=(",", ":")) for text in finds):
            continue
        counts["same"] += sum((a[key] & b[key]).values())
        if a[key] == b[key]:
            continue
        old, new = order(a[key] - b[key]), order(b[key] - a[key])
        pairs = min(len(old), len(new))
        counts.update(weigh(mapping, x, y) for x, y in zip(old, new))
        counts["new"] += len(new) - pairs
        for _ in old[pairs:]:
            person = roster is not None and key[mapping.keys.index(mapping.person)]
            serving = "unknown" if not person else "serving" if person in roster else "left"
            counts.update(["absent", serving])
            names.append((serving, key))
    return counts, sorted(names)


def read_roster(path, mapping):
    header, rows = lines_of(path)
    at = header.index(mapping.columns.get(mapping.person, mapping.person))
    return {mapping.cell(mapping.person, row[at]) for row in rows if at < len(row)}


def result_of(a, b, mapping, roster=None, find=None):
    """Of two lists as read_list reads them."""
    finds = mapping.finds.get(find, [upper(find)]) if find else None
    counts, names = compare(a[0], b[0], mapping, roster, finds)
    fates = ("same", "absent", "serving", "left", "unknown", "lower", "higher", "mixed", "fuller", "other", "new")
    result = {fate: counts[fate] for fate in fates}
    result["rows"] = [len(a[1]), len(b[1])]
    if find:
        result["names"] = names
    return result


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("a")
    parser.add_argument("b")
    parser.add_argument("--mapping", required=True)
    parser.add_argument("--roster")
    parser.add_argument("--find")
    parser.add_argument("--roots", action="store_true")
    options = parser.parse_args()
    mapping = Mapping(options.mapping)
    a, b = read_list(options.a, mapping), read_list(options.b, mapping)
    roster = read_roster(options.roster, mapping) if options.roster else None
    result = result_of(a, b, mapping, roster, options.find)
    if options.roots:
        result["roots"] = [root_of(a[1]), root_of(b[1])]
    print(json.dumps(result))


if __name__ == "__main__":
    sys.setrecursionlimit(10000)
    sys.exit(main())
