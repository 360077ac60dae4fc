/* The table of subcommands, with their help texts: one place, so that they keep one tone. */
#include "tools/cli.h"

#include <stddef.h>

const struct cli_command cli_commands[] = {
    {"keygen", cmd_keygen, "make a secret key file and print its verifier key",
     "usage: dutylog keygen --name NAME --out FILE [--cosigner]\n"
     "\n"
     "Makes an Ed25519 key, writes the secret to FILE (mode 0600, never over an existing file) and "
     "prints the\n"
     "verifier key, which is public, on standard output.\n"
     "\n"
     "  --name NAME   key name: a URL without scheme, such as ny.example/nypd/desk-1; one key per "
     "device\n"
     "  --out FILE    where the secret goes\n"
     "  --cosigner    a key for a mirror or witness (type 0x04), not for signing events or "
     "checkpoints\n"
     "\n"
     "example:\n"
     "  dutylog keygen --name ny.example/nypd/desk-1 --out desk-1.key > desk-1.vkey\n"},
    {"vkey", cmd_vkey, "print the verifier key of a secret key file",
     "usage: dutylog vkey FILE\n"
     "\n"
     "Prints the public verifier key that belongs to a secret key file.\n"
     "\n"
     "example:\n"
     "  dutylog vkey desk-1.key\n"},
    {"verify", cmd_verify, "verify a receipt or an evidence file, offline",
     "usage: dutylog verify FILE (--policy FILE | --root VKEY...) [--threshold N] [--json]\n"
     "       dutylog verify EVIDENCE --key VKEY [--json]\n"
     "       dutylog verify --batch (--policy FILE | --root VKEY...)\n"
     "\n"
     "Says in words what a receipt proves, and what it does not. Needs no network: the trust is "
     "yours, given as\n"
     "\n"
     "  --policy FILE   a tlog-policy: the log's key, the mirrors, and which of them are a quorum\n"
     "  --root VKEY     a pinned authority key that must have signed the log's opening; may be "
     "repeated\n"
     "  --threshold N   how many of the roots must have signed; default: all that are given\n"
     "  --key VKEY      for an evidence file: the key that is accused\n"
     "  --json          one JSON object instead of words\n"
     "  --quiet         no words at all: only the exit code\n"
     "  --split BASE    also write the last item as BASE (the note) and BASE.tlog-proof, for other "
     "tools\n"
     "  --batch         read file names from standard input, answer 'ok' or 'bad' and the reason, "
     "a line each\n"
     "\n"
     "Exit code 0: verified. 1: not verified.\n"
     "\n"
     "example:\n"
     "  dutylog verify nypd-17.receipt --policy nypd.policy\n"},
    {NULL, NULL, NULL, NULL},
};
