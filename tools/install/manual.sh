#!/usr/bin/env bash
# Makes the manual pages from what the programs and net/config.h say themselves: manual.sh BUILD, into BUILD/man.
set -euo pipefail
build=$1
here=$(dirname "$0")
mkdir -p "$build/man"
day=$(LC_ALL=C date -u -d "@${SOURCE_DATE_EPOCH:-$(date +%s)}" +'%B %-d, %Y')

top() { # NAME SECTION WHAT
    printf '.Dd %s\n.Dt %s %s\n.Os dutylog\n.Sh NAME\n.Nm %s\n.Nd %s\n' "$day" "${1^^}" "$2" "$1" "$3"
}
# Standard input as it stands.
literal() {
    echo '.Bd -literal'
    sed -e 's/\\/\\e/g' -e "s/^\([.']\)/\\\\\&\1/"
    echo '.Ed'
}

{
    top dutylog 1 'the command line of a replicated Merkle log'
    printf '.Sh SYNOPSIS\n.Nm\n.Op Fl -ca Ar file\n.Op Fl -passphrase-file Ar file\n.Ar command\n.Op Ar option ...\n.Sh DESCRIPTION\n'
    "$build/dutylog" --help | literal
    for command in $("$build/dutylog" --help | sed -n 's/^  \([a-z]*\)  .*/\1/p'); do
        printf '.Ss dutylog %s\n' "$command"
        "$build/dutylog" "$command" --help | literal
    done
    printf '.Sh SEE ALSO\n.Xr dutylog-node.ini 5 ,\n.Xr dutylogd 8\n'
} >"$build/man/dutylog.1"
{
    top dutylogd 8 'a node of a replicated Merkle log'
    printf '.Sh SYNOPSIS\n.Nm\n.Fl c Ar node.ini\n.Op Fl -check | Fl -restore-from Ar url\n.Sh DESCRIPTION\n'
    "$build/dutylogd" --help | literal
    cat "$here/dutylogd.mdoc"
} >"$build/man/dutylogd.8"
{
    top dutylog-node.ini 5 'what a node of dutylog is'
    printf '.Sh DESCRIPTION\n'
    awk '/^\/\* node.ini/ { on = 1 } on { end = /\*\/$/; sub(/^(\/\*| \*) ?/, ""); sub(/ ?\*\/$/, ""); print }
        on && end { exit }' "$here/../../net/config.h" | literal
    cat "$here/node.ini.mdoc"
} >"$build/man/dutylog-node.ini.5"
