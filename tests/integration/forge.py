"""What a dishonest operator does who holds the log's key: a second history of the log, signed. RFC 6962 written out naively."""
import base64
import hashlib


def leaf_hash(entry):
    return hashlib.sha256(b"\x00" + entry).digest()


def node_hash(left, right):
    return hashlib.sha256(b"\x01" + left + right).digest()


def split(n):
    k = 1
    while k * 2 < n:
        k *= 2
    return k


def root(leaves):
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    k = split(len(leaves))
    return node_hash(root(leaves[:k]), root(leaves[k:]))


def consistency(m, leaves, whole=True):
    """SUBPROOF(m, D[n], b) of RFC 6962 section 2.1.2."""
    n = len(leaves)
    if m == n:
        return [] if whole else [root(leaves)]
    k = split(n)
    if m <= k:
        return consistency(m, leaves[:k], whole) + [root(leaves[k:])]
    return consistency(m - k, leaves[k:], False) + [root(leaves[:k])]


def b64(data):
    return base64.b64encode(data).decode()


def checkpoint(log, leaves):
    """A checkpoint of the forged tree, signed with the log's key."""
    text = f"{log.name}\n{len(leaves)}\n{b64(root(leaves))}\n".encode()
    return text + b"\n" + log.line(text)


def add_checkpoint(old, proof, note):
    return f"old {old}\n".encode() + b"".join(b64(h).encode() + b"\n" for h in proof) + b"\n" + note


def entries(node, prefix, size):
    """All entries of a log, read from its bundles."""
    found = []
    while len(found) < size:
        n = len(found) // 256
        width = min(256, size - n * 256)
        status, bundle = node.get(f"{prefix}/tile/entries/{n:03d}" + (f".p/{width}" if width < 256 else ""))
        assert status == 200, status
        while bundle:
            length = int.from_bytes(bundle[:2], "big")
            found.append(bundle[2:2 + length])
            bundle = bundle[2 + length:]
    return found


def tile_path(path, leaves, entries):
    """The content of tile/<L>/<N>[.p/<W>] or tile/entries/<N>[.p/<W>] for a tree of at most 256 leaves."""
    parts = path.strip("/").split("/")
    width = int(parts[-1]) if parts[-2].endswith(".p") else 256
    if width > len(leaves):
        return None
    if parts[1] == "entries":
        return b"".join(len(e).to_bytes(2, "big") + e for e in entries[:width])
    return b"".join(leaves[:width]) if parts[1] == "0" else None


def serve(port, entries, note):
    """A log's tiles, forged, on a thread of its own; returns the server."""
    import http.server
    import threading
    leaves = [leaf_hash(e) for e in entries]

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            body = note if self.path == "/checkpoint" else tile_path(self.path, leaves, entries)
            self.send_response(200 if body is not None else 404)
            self.send_header("Content-Length", str(len(body or b"")))
            self.end_headers()
            self.wfile.write(body or b"")

        def log_message(self, *args):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server
