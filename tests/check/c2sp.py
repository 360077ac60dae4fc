"""The C2SP formats, read strictly: signed notes, verifier keys, checkpoints, cosignatures, tlog-proofs, policies; and
Merkle proofs (RFC 6962). For verify.py; written from the C2SP texts and specs/ed25519.md."""
import base64, binascii, functools, hashlib, re
from collections import namedtuple
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

Note = namedtuple("Note", "text lines")                    # lines: (name, key ID, bytes after it)
Key = namedtuple("Key", "name id type public")
Checkpoint = namedtuple("Checkpoint", "origin size root note raw")
Proof = namedtuple("Proof", "extra index hashes checkpoint")
Policy = namedtuple("Policy", "logs witnesses groups quorum")  # witnesses: name -> Key; groups: name -> (k, members)


class Bad(Exception):
    pass


def need(condition, why):
    if not condition:
        raise Bad(why)


# --- bytes, hashes, signatures ---
def base64_of(data):
    try:
        out = base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError):
        raise Bad("not base64")
    need(base64.b64encode(out) == (data.encode() if isinstance(data, str) else data), "base64 is not canonical")
    return out


def decimal(data, low=0, high=2**63 - 1):
    need(re.fullmatch(rb"0|[1-9][0-9]{0,18}", data) and low <= int(data) <= high, "not a decimal in its range")
    return int(data)


def hash_line(data):
    need(len(data) == 44, "not a hash")
    return base64_of(data)


def sha(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def cut(data, mark, why):
    head, found, tail = data.partition(mark)
    need(found, why)
    return head, tail


PRIME = 2**255 - 19
# y of the eight points of small order (specs/ed25519.md); OpenSSL checks the rest of the rule.
SMALL = {0, 1, PRIME - 1} | {int.from_bytes(bytes.fromhex(h), "little") for h in (
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a")}


@functools.lru_cache(maxsize=4096)
def signed(public, message, signature):
    y = [int.from_bytes(p, "little") & (2**255 - 1) for p in (public, signature[:32])]
    if len(signature) != 64 or y[0] >= PRIME or y[0] in SMALL or y[1] in SMALL:
        return False
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
        return True
    except (InvalidSignature, ValueError):
        return False


# --- signed notes, keys, checkpoints, proofs ---
def is_key_name(name):
    return 0 < len(name.encode()) <= 200 and not any(c == "+" or c < " " or c.isspace() for c in name)


def parse_note(data):
    try:
        whole = data.decode()
    except UnicodeDecodeError:
        raise Bad("not UTF-8")
    need(whole.endswith("\n") and not any(c < " " and c != "\n" for c in whole), "not the text of a note")
    text, found, tail = whole.rpartition("\n\n")
    need(found, "no empty line in the note")
    lines = []
    for line in tail.removesuffix("\n").split("\n"):
        match = re.fullmatch("\u2014 ([^ ]+) ([^ ]+)", line)
        need(match and is_key_name(match[1]), "not a signature line")
        need(match[2].isascii(), "not base64")
        blob = base64_of(match[2])
        need(len(blob) > 4, "an empty signature")
        lines.append((match[1], blob[:4], blob[4:]))
    need(len(lines) <= 64, "too many signature lines")
    return Note((text + "\n").encode(), lines)


def parse_key(text, *types):
    match = re.fullmatch(r"([^+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/=]{44})", text)
    need(match and is_key_name(match[1]), "not a vkey")
    raw = base64_of(match[3])
    need(len(raw) == 33 and raw[0] in (types or (1, 4)), "not a key of the type needed here")
    need(sha(match[1].encode(), b"\n", raw)[:4].hex() == match[2], "not the key's ID")
    return Key(match[1], bytes.fromhex(match[2]), raw[0], raw[1:])


def times_of(note, key):
    """The times of all lines by a key, each of which must verify; 0 for a line by a key of type 0x01."""
    times = []
    for name, key_id, blob in note.lines:
        if (name, key_id) != (key.name, key.id):
            continue
        time, message = 0, note.text
        if key.type == 4:
            time, blob = int.from_bytes(blob[:8], "big"), blob[8:]
            message = b"cosignature/v1\ntime %d\n" % time + note.text
        need(time < 2**63 and signed(key.public, message, blob), f"a signature by {name} does not verify")
        times.append(time)
    return times


def parse_checkpoint(data):
    need(len(data) <= 32768, "the checkpoint is too large")
    note = parse_note(data)
    lines = note.text.split(b"\n")[:-1]
    need(len(lines) >= 3 and all(lines) and len(lines[0]) <= 200, "not a checkpoint")
    return Checkpoint(lines[0].decode(), decimal(lines[1], 0, 2**62), hash_line(lines[2]), note, data)


def parse_proof(data):
    need(len(data) <= 37696, "the proof is too large")
    head, checkpoint = cut(data, b"\n\n", "no checkpoint in the proof")
    lines = head.split(b"\n")
    need(lines.pop(0) == b"c2sp.org/tlog-proof@v1" and lines, "not a tlog-proof")
    extra = base64_of(lines.pop(0)[6:]) if lines[0].startswith(b"extra ") else None
    need(extra is None or 0 < len(extra) <= 1024, "a wrong extra line")
    need(lines and lines[0].startswith(b"index ") and len(lines) <= 65, "no index, or too many hashes")
    return Proof(extra, decimal(lines[0][6:]), [hash_line(h) for h in lines[1:]], parse_checkpoint(checkpoint))


def split_at(n):
    return 1 << (n - 1).bit_length() - 1


def root_of(leaf, index, size, hashes):
    need(index < size and (size > 1 or not hashes) and (size == 1 or hashes), "a proof of another length")
    if size == 1:
        return leaf
    k = split_at(size)
    if index < k:
        return sha(b"\1", root_of(leaf, index, k, hashes[:-1]), hashes[-1])
    return sha(b"\1", hashes[-1], root_of(leaf, index - k, size - k, hashes[:-1]))


def tree_root(leaves):
    if len(leaves) < 2:
        return leaves[0] if leaves else sha()
    k = split_at(len(leaves))
    return sha(b"\1", tree_root(leaves[:k]), tree_root(leaves[k:]))


def roots_of(m, n, hashes):
    """The roots at m and at n from SUBPROOF(m, D[n], false)."""
    need(hashes and (m < n or len(hashes) == 1), "a proof of another length")
    if m == n:
        return hashes[0], hashes[0]
    k = split_at(n)
    if m <= k:
        small, large = roots_of(m, k, hashes[:-1])
        return small, sha(b"\1", large, hashes[-1])
    return tuple(sha(b"\1", hashes[-1], h) for h in roots_of(m - k, n - k, hashes[:-1]))


# --- policies ---
def parse_policy(data):
    need(not data or data.endswith(b"\n"), "the policy does not end in a newline")
    need(not re.search(rb"[\x00-\x08\x0b-\x1f\x7f]", data), "a byte that no policy has")
    policy, quorum, taken = Policy([], {}, {}, []), [], set()
    for line in data.split(b"\n"):
        words = [w for w in re.split(rb"[ \t]+", line) if w]
        if not words or words[0].startswith(b"#"):
            continue
        kind, *rest = words
        need((kind, len(rest)) in ((b"log", 1), (b"log", 2), (b"witness", 2), (b"witness", 3), (b"quorum", 1))
             or kind == b"group" and 3 <= len(rest) <= 66, "not a line of a policy")
        if kind in (b"witness", b"group"):
            need(rest[0] != b"none" and rest[0] not in {**policy.witnesses, **policy.groups}, "a name twice")
        if kind in (b"log", b"witness"):
            need(len(rest) < (2 if kind == b"log" else 3) or len(rest[-1].removesuffix(b"/")) <= 256, "a long URL")
            listed = policy.logs if kind == b"log" else list(policy.witnesses.values())
            try:
                key = parse_key(rest[kind == b"witness"].decode(), 1 if kind == b"log" else 4)
            except UnicodeDecodeError:
                raise Bad("not a vkey")
            need(not any(k.public == key.public or k[:2] == key[:2] for k in listed), "a key twice")
            if kind == b"log":
                policy.logs.append(key)
            else:
                policy.witnesses[rest[0]] = key
        elif kind == b"group":
            name, k, *members = rest
            need(all(m in policy.witnesses or m in policy.groups for m in members), "an unknown member")
            need(len(set(members)) == len(members) and taken.isdisjoint(members), "a member twice")
            taken.update(members)
            k = {b"any": 1, b"all": len(members)}.get(k) or decimal(k, 1, len(members))
            policy.groups[name] = (k, members)
        else:
            need(rest[0] == b"none" or rest[0] in policy.witnesses or rest[0] in policy.groups, "an unknown quorum")
            quorum.append(rest[0])
    need(len(quorum) == 1, "not one quorum line")
    need(max(len(policy.logs), len(policy.witnesses), len(policy.groups)) <= 32, "a policy beyond its limits")
    return policy._replace(quorum=quorum[0])


def met(policy, have, name):
    if name not in policy.groups:
        return name == b"none" or name in have
    k, members = policy.groups[name]
    return sum(met(policy, have, m) for m in members) >= k


def splits(policy, name):
    """Can two sets without a common witness both satisfy it? No name is a member twice."""
    if name not in policy.groups:
        return name == b"none"
    k, members = policy.groups[name]
    both = sum(splits(policy, m) for m in members)
    return 2 * max(k - both, 0) <= len(members) - both


def below(policy, name):
    return {name} if name not in policy.groups else set().union(*(below(policy, m) for m in policy.groups[name][1]))


def check_quorum(policy, checkpoint):
    """Returns the latest time of each witness that cosigned."""
    logs = [log for log in policy.logs if log.name == checkpoint.origin]
    need(any(times_of(checkpoint.note, log) for log in logs), "the log did not sign the checkpoint")
    found = {name: times_of(checkpoint.note, key) for name, key in policy.witnesses.items()}
    times = {name: max(t) for name, t in found.items() if t}
    need(met(policy, times, policy.quorum), "quorum not met")
    return times
