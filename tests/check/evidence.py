"""Evidence, as specs/evidence.md has it. For verify.py and accept.py."""
import re
from c2sp import cut, decimal, hash_line, need, parse_checkpoint, parse_proof, root_of, roots_of, times_of


def verify_evidence(data, key):
    """Which log it is about, and how many lines by the key it has."""
    match = re.match(rb"dutylog/evidence/v1 ([abcd])\n", data)
    need(match and len(data) <= 1 << 18, "not evidence")
    form, rest, parts = match[1], data[match.end():], []
    for _ in range(2):
        line, rest = cut(rest, b"\n", "no line of a part")
        need(line.startswith(b"part "), "not the line of a part")
        size = decimal(line[5:], 1)
        need(size <= len(rest), "the file ends within a part")
        parts.append(rest[:size])
        rest = rest[size:]
    need(not rest or rest.endswith(b"\n"), "no newline at the end")
    hashes = [hash_line(line) for line in rest.split(b"\n")[:-1]]
    need(len(hashes) in {b"a": [0], b"b": range(1, 65), b"c": [2], b"d": [0]}[form], "another number of hashes")
    need(form != b"a" or parts[0] < parts[1], "parts out of order")
    proofs = [parse_proof(part) for part in parts] if form == b"c" else None
    one, two = [p.checkpoint for p in proofs] if proofs else [parse_checkpoint(part) for part in parts]
    times = [times_of(c.note, key) for c in (one, two)]
    need(all(times), "not signed by the accused")
    need(one.origin == two.origin, "of different logs")
    need(one.size == two.size if form == b"a" else one.size < two.size, "sizes do not fit the form")
    if form == b"a":
        need(one.root != two.root, "the same root")
    elif form == b"b":
        need(one.size >= 1, "of the empty tree")
        small, large = roots_of(one.size, two.size, hashes)
        need(large == two.root and small != one.root, "nothing is proved")
    elif form == b"c":
        for proof, leaf in zip(proofs, hashes):
            need(root_of(leaf, proof.index, proof.checkpoint.size, proof.hashes) == proof.checkpoint.root, "not in the tree")
        need(proofs[0].index == proofs[1].index and hashes[0] != hashes[1], "nothing is proved")
    else:
        need(key.type == 4 and max(times[0]) > min(times[1]), "nothing is proved")
    return one.origin, len(times[0]) + len(times[1])
