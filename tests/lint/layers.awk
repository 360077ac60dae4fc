# Judges what layers.sh gathers: lines `rule ...` (of layers.allow), `defined FOLDER SYMBOL OBJECT`,
# `uses FOLDER SYMBOL OBJECT`, `included FILE HEADER LINE`.

# A shell pattern (* and [...]) as a regular expression for the whole of a name; * does not match a slash.
function pattern(glob) {
    gsub(/[.+]/, "\\\\&", glob)
    gsub(/\*/, "[^/]*", glob)
    return "^" glob "$"
}

function complain(text) {
    print "layers: " text
    failed++
}

# True if some rule of this kind, for this object or file, allows this name.
function allowed(kind, who, name,    i) {
    for (i = 1; i <= rules; i++)
        if (rule_kind[i] == kind && who ~ rule_who[i] && name ~ rule_name[i]) return 1
    return 0
}

$1 == "rule" && ($2 == "symbol" || $2 == "include") {
    for (i = 4; i <= NF; i++) {
        rules++
        rule_kind[rules] = $2
        rule_who[rules] = pattern($3)
        rule_name[rules] = pattern($i)
    }
}
$1 == "rule" && $2 == "below" {
    below[$3, $3] = 1
    for (i = 4; i <= NF; i++) below[$3, $i] = 1
}
$1 == "rule" && $2 == "deny" {
    for (i = 4; i <= NF; i++) denied[$3, $i] = 1
}
$1 == "defined" { home[$3] = $2 }
$1 == "uses" {
    uses++
    use_folder[uses] = $2
    use_symbol[uses] = $3
    use_object[uses] = $4
}
$1 == "included" {
    includes++
    if ($2 ~ /^tools\// || allowed("include", $2, $3)) next
    complain($2 ":" $4 ": may not include " $3)
}

END {
    for (i = 1; i <= uses; i++) {
        folder = use_folder[i]
        symbol = use_symbol[i]
        if (symbol ~ /^_GLOBAL_OFFSET_TABLE_$/) continue
        if ((folder, symbol) in denied)
            complain(use_object[i] ": may not use " symbol)
        else if (symbol in home) {
            if (!((folder, home[symbol]) in below))
                complain(use_object[i] ": uses " symbol " of " home[symbol] "/, a layer above " folder "/")
        } else if (!allowed("symbol", use_object[i], symbol))
            complain(use_object[i] ": may not use " symbol)
    }
    if (uses == 0 || includes == 0 || rules == 0) complain("nothing to check: build first")
    if (failed) {
        print "layers: " failed " uses that tests/lint/layers.allow does not allow"
        exit 1
    }
    print "layers: " uses " symbols and " includes " includes, all allowed"
}
