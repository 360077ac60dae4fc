# Reads tests/lint/banned, then C sources. Reports banned calls, functions over 70 lines and files over 600.
# Comments and strings are blanked first, so that only code counts.

function complain(line, text) {
    print FILENAME ":" line ": " text
    failed++
}

# The code of one line: without strings, characters and comments; `in_comment` lasts over lines.
function code_of(line,    out, c, two, quote) {
    out = ""
    while (line != "") {
        two = substr(line, 1, 2)
        c = substr(line, 1, 1)
        if (in_comment) {
            if (two == "*/") in_comment = 0
            line = substr(line, two == "*/" ? 3 : 2)
        } else if (two == "/*") {
            in_comment = 1
            line = substr(line, 3)
        } else if (two == "//") {
            complain(FNR, "comments are /* so */")
            return out
        } else if (c == "\"" || c == "'") {
            quote = c
            line = substr(line, 2)
            while (line != "" && substr(line, 1, 1) != quote)
                line = substr(line, substr(line, 1, 1) == "\\" ? 3 : 2)
            line = substr(line, 2)
            out = out quote quote
        } else {
            out = out c
            line = substr(line, 2)
        }
    }
    return out
}

function check_calls(code,    i, rest, name) {
    rest = code
    # Every name followed by a parenthesis, once.
    while (match(rest, /[A-Za-z_][A-Za-z0-9_]*[ ]*\(/)) {
        name = substr(rest, RSTART, RLENGTH)
        sub(/[ ]*\($/, "", name)
        before = substr(rest, 1, RSTART - 1)
        rest = substr(rest, RSTART + RLENGTH)
        if (!(name in banned_count) || before ~ /(\.|->)$/) continue
        for (i = 1; i <= bans; i++)
            if (ban_call[i] == name && FILENAME ~ ban_files[i]) {
                complain(FNR, name ": use " ban_instead[i])
                break
            }
    }
}

FILENAME ~ /tests\/lint\/banned$/ {
    if ($0 ~ /^#/ || $0 == "") next
    split($0, part, / +\| +/)
    bans++
    ban_files[bans] = part[1]
    ban_call[bans] = part[2]
    ban_instead[bans] = part[3]
    banned_count[part[2]]++
    next
}

FNR == 1 {
    in_comment = 0
    start = 0
    files++
    if (FILENAME ~ /\.h$/ && $0 !~ /^\/\*/)
        complain(1, "a header begins with a comment that says what it is for")
}
FNR == 601 { complain(FNR, "over 600 lines: split the file by noun or verb") }
{
    code = code_of($0)
    check_calls(code)
    if (code ~ /^[A-Za-z_].*\)[^;=]*\{$/ || (code ~ /^[ ].*\) \{$/ && !start && previous ~ /^[A-Za-z_].*[,(]$/)) start = FNR
    if (code ~ /^}/ && start) {
        if (FNR - start + 1 > 70)
            complain(start, "a function of " (FNR - start + 1) " lines: at most 70, so that it fits a screen")
        start = 0
    }
    if (code != "") previous = code
}

END {
    if (files == 0 || bans == 0) {
        print "source.awk: nothing to check"
        exit 1
    }
    exit failed > 0
}
