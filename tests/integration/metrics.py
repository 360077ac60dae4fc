"""A strict reader of Prometheus' text form 0.0.4, which shares no code with the daemon: what it takes, Prometheus takes.

https://prometheus.io/docs/instrumenting/exposition_formats/; and our own rules: every family has help and type before
its samples, stands once and in one piece, its samples differ in labels, counters end in _total and do not sink below zero,
histograms are cumulative, end in +Inf and agree with their count.
"""
import re

NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\\\|\\"|\\n)*)"')
NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?")


class Family:
    def __init__(self, name, kind, text):
        self.name, self.kind, self.help, self.samples = name, kind, text, {}

    def value(self, **labels):
        """The one sample with these labels, of a gauge or counter."""
        return self.samples[(self.name, tuple(sorted(labels.items())))]

    def labels(self, name):
        """All values that this label has."""
        return {dict(labels)[name] for _, labels in self.samples}


def parse_labels(text):
    """The text between the braces."""
    labels, at = {}, 0
    while at < len(text):
        match = LABEL.match(text, at)
        assert match, f"not a label: {text[at:]!r}"
        name, value = match.groups()
        assert name not in labels, f"{name} twice"
        labels[name] = value.replace("\\n", "\n").replace('\\"', '"').replace("\\\\", "\\")
        at = match.end()
        if at < len(text):
            assert text[at] == "," and at + 1 < len(text), f"between labels: {text[at:]!r}"
            at += 1
    return labels


def parse_sample(line):
    name = NAME.match(line).group()
    rest = line[len(name):]
    labels = {}
    if rest.startswith("{"):
        close = rest.rindex("}")
        labels, rest = parse_labels(rest[1:close]), rest[close + 1:]
        assert labels, f"empty braces: {line!r}"
    assert rest[:1] == " " and NUMBER.fullmatch(rest[1:]), f"no value: {line!r}"
    return name, labels, float(rest[1:])


def check_histogram(family):
    series = {}
    for (name, labels), value in family.samples.items():
        rest = tuple(pair for pair in labels if pair[0] != "le")
        series.setdefault(rest, {})[(name[len(family.name):], dict(labels).get("le"))] = value
    assert series, f"{family.name} is empty"
    for values in series.values():
        bounds = [le for suffix, le in values if suffix == "_bucket"]
        assert bounds[-1] == "+Inf" and bounds.count("+Inf") == 1, bounds
        numbers = [float(le) for le in bounds[:-1]]
        assert numbers == sorted(set(numbers)), bounds
        counts = [values[("_bucket", le)] for le in bounds]
        assert counts == sorted(counts) and counts[0] >= 0, (family.name, counts)
        assert values[("_count", None)] == counts[-1] and values[("_sum", None)] >= 0
        assert len(values) == len(bounds) + 2, values


def parse(body):
    """The families by name. AssertionError where Prometheus, or the rules above, would object."""
    text = body.decode("utf-8")
    assert text.endswith("\n") and "\r" not in text
    families, current = {}, None
    lines = text[:-1].split("\n")
    for number, line in enumerate(lines):
        if line.startswith("# HELP "):
            name, _, words = line[len("# HELP "):].partition(" ")
            assert NAME.fullmatch(name) and words, f"no help: {line!r}"
            following = lines[number + 1].split(" ") if number + 1 < len(lines) else []
            assert following[:3] == ["#", "TYPE", name] and len(following) == 4, f"{name}: help without type"
            assert following[3] in ("counter", "gauge", "histogram"), following
            assert name not in families, f"{name} stands twice"
            current = families[name] = Family(name, following[3], words)
            assert name.startswith("dutylog_") and name.endswith("_total") == (current.kind == "counter"), name
            continue
        if line.startswith("# TYPE "):
            assert number > 0 and lines[number - 1].startswith(f"# HELP {current.name} "), f"type without help: {line!r}"
            continue
        assert line and not line.startswith("#"), f"neither a sample nor a comment we write: {line!r}"
        name, labels, value = parse_sample(line)
        suffixes = ("_bucket", "_sum", "_count") if current.kind == "histogram" else ("",)
        assert name in [current.name + suffix for suffix in suffixes], f"{name} stands in {current.name}"
        key = (name, tuple(sorted(labels.items())))
        assert key not in current.samples, f"{key} twice"
        assert current.kind != "counter" or value >= 0, line
        current.samples[key] = value
    for family in families.values():
        if family.kind == "histogram":
            check_histogram(family)
    return families
