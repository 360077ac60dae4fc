"""What can be changed in one line of C: mutants(text) lists the mutants of one source file, in the order of its lines.

The code is read as clang-format leaves it: a function begins and ends in the first column, binary operators stand between
spaces. Left alone: comments, strings, preprocessor lines, what stands under DUTYLOG_BUG_*, assertions, the words of a refusal after
its first line, and all that is outside of functions."""
import collections, re

# before and after: the line, without blanks around it; column: where they first differ, to tell one's twins on a line apart.
Mutant = collections.namedtuple("Mutant", "function number before after operator column")

COMPARISONS = {"<": ("<=", ">="), "<=": ("<", ">"), ">": (">=", "<="), ">=": (">", "<"), "==": ("!=",), "!=": ("==",)}
SWAPS = {" + ": " - ", " - ": " + ", " & ": " | ", " | ": " & ", " += ": " -= ", " -= ": " += ", "++": "--", "--": "++"}
DECLARATION = re.compile(r"(?!return\b|goto\b|else\b|case\b)[a-z_]\w*(?: \w+)* \**[a-z_]\w*(?:\[.*\])*(?: =.*|, .*)?;$")
COMPARE_CALL = re.compile(r"\b\w*(?:cmp|compare)\w*\(")


def mask(text):
    """The text with comments, strings and preprocessor lines blanked; each byte stays in its place."""
    blank = lambda m: re.sub(r"[^\n]", " ", m[0])
    text = re.sub(r"/\*.*?\*/|//[^\n]*", blank, text, flags=re.S)
    text = re.sub(r'"(?:\\.|[^"\\\n])*"' + r"|'(?:\\.|[^'\\\n])+'", lambda m: m[0][0] + "_" * (len(m[0]) - 2) + m[0][0], text)
    lines, planted, depth = text.split("\n"), [], 0
    for i, line in enumerate(lines):
        word = re.match(r" *# *(\w+) *(\w*)", line)
        continued = i > 0 and hash_line and lines_before.endswith("\\")
        hash_line, lines_before = bool(word) or continued, line
        if word and word[1] in ("if", "ifdef", "ifndef"):
            bug = word[2].startswith("DUTYLOG_BUG_")
            planted.append((bug, bug and word[1] == "ifdef"))
        elif word and word[1] == "else" and planted:
            planted[-1] = (planted[-1][0], planted[-1][0] and not planted[-1][1])
        elif word and word[1] == "endif" and planted:
            planted.pop()
        if hash_line or any(inside for _, inside in planted):
            lines[i] = " " * len(line)
    return lines


def functions(lines):
    """(first line of the body, line after it, name, what it returns) of every function of masked lines."""
    i = 0
    while i < len(lines):
        if not re.match(r"[a-z]", lines[i]):
            i += 1
            continue
        start, head = i, lines[i]
        while not re.search(r"[;{}]", head) and i + 1 < len(lines):
            i += 1
            head += " " + lines[i].strip()
        name = re.search(r"(\w+)\(", head)
        i += 1
        if head.endswith("{") and name and "=" not in head:
            end = next(j for j in range(i, len(lines)) if lines[j] == "}")
            yield i, end, name[1], head[: name.start()].replace("static ", "").strip()
            i = end + 1
        assert i > start


def closing(line, opening):
    """The place of the bracket that closes the one at `opening`, or -1 if it is on another line."""
    depth = 0
    for i in range(opening, len(line)):
        depth += (line[i] in "([{") - (line[i] in ")]}")
        if depth == 0:
            return i
    return -1


def arguments(line, opening):
    """The spans of the arguments of the call whose bracket is at `opening`; none if they go on in another line."""
    end, start, spans, depth = closing(line, opening), opening + 1, [], 0
    for i in range(opening, end + 1):
        if (line[i] == "," and depth == 1) or i == end:
            spans.append((start, i))
            start = i + 2
        depth += (line[i] in "([{") - (line[i] in ")]}")
    return spans


def in_line(code, returns, alone):
    """(start, end, new text, operator) of each change of a line of masked code in a function that returns `returns`; alone:
    a statement begins with this line."""
    for m in re.finditer(r" (<=|>=|==|!=|<|>)(?= |$)", code):
        for other in COMPARISONS[m[1]]:
            yield m.start(1), m.end(1), other, "comparison"
    for m in re.finditer(r"&&|\|\|", code):
        yield m.start(), m.end(), "||" if m[0] == "&&" else "&&", "and, or"
    m = re.match(r"(?:\} else )?(if|while) \(", code)
    if m and closing(code, m.end() - 1) == len(code) - 3:
        inner = code[m.end() : -3]
        # What another operator does to it already is not done twice.
        if len(re.findall(r" (?:<=|>=|==|!=|<|>) ", inner)) != 1 or re.search(r"&&|\|\|", inner):
            if inner[0] != "!" or re.search(r"[ ,]", inner):
                yield m.end(), len(code) - 3, "!({})", "negated condition"
        if m[1] == "if":
            yield m.end(), len(code) - 3, "false", "condition never holds"
    for m in re.finditer(r"!(?=[\w(])", code):
        yield m.start(), m.end(), "", "removed !"
    for m in re.finditer(r"(?<![\w.])(\d+)([uUlL]*)(?![\w.])", code):
        before = code[: m.start()]
        if not before.endswith("{") and not re.search(r"\w+ \w+(\[\w*\])*\[$", before):
            yield m.start(1), m.end(1), str(int(m[1]) + 1), "constant"
            if int(m[1]) > 0:
                yield m.start(1), m.end(1), str(int(m[1]) - 1), "constant"
    looped = code.startswith("for (")
    for m in re.finditer(r" (?:[+&|-]|\+=|-=) |\+\+|--", code):
        if not looped or m[0] not in ("++", "--"):
            yield m.start(), m.end(), SWAPS[m[0]], "arithmetic"
    for m in COMPARE_CALL.finditer(code):
        spans = arguments(code, m.end() - 1)
        if len(spans) >= 2:
            (a, b), (c, d) = spans[:2]
            yield a, d, (a, b, c, d), "swapped arguments"
    if code in ("break;", "continue;"):
        yield 0, len(code), ";", "removed " + code[:-1]
    if not alone:
        return
    m = re.fullmatch(r"return (.*);", code)
    if m and returns == "bool":
        for word in ("true", "false"):
            yield m.start(1), m.end(1), word, "returned value"
    if m and returns == "enum status":
        yield m.start(1), m.end(1), "STATUS_OK", "OK for an error"
    if not m and returns == "enum status" and code.startswith("return "):
        m = re.search(r"\bSTATUS_[A-Z_]+", code)
        if m:
            yield m.start(), m.end(), "STATUS_OK", "OK for an error"
    if code.endswith(";") and not re.match(r"(return|break|continue|goto|for|while|do|if|else|case)\b", code):
        if not DECLARATION.match(code) and code.count("(") == code.count(")") and code != ";":
            yield 0, len(code), ";", "removed statement"


def mutants(text):
    lines, masked, found = text.split("\n"), mask(text), []
    for first, end, name, returns in functions(masked):
        begun, passed = True, False
        for i in range(first, end):
            code = masked[i].strip()
            passed = passed or bool(re.search(r"\b(static_)?assert\(", code, re.I))
            if code and not passed:
                found += of_line(lines[i], masked[i], i, name, returns, begun)
                passed = "refuse(" in code
            if code:
                begun = code[-1] in ";{}:"
                passed = passed and not begun
    return found


def of_line(line, masked, i, name, returns, alone):
    code = masked.strip()
    shift, seen = masked.index(code), {line.strip()}
    result = []
    for start, end, new, operator in in_line(code, returns, alone):
        start, end = start + shift, end + shift
        if isinstance(new, tuple):
            a, b, c, d = (n + shift for n in new)
            new = line[c:d] + line[b:c] + line[a:b]
        new = new.replace("{}", line[start:end])
        after = (line[:start] + new + line[end:]).strip()
        if after not in seen:
            seen.add(after)
            result.append(Mutant(name, i + 1, line.strip(), after, operator, start))
    return result
