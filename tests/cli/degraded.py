#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""degraded: an artefact as boot would load it on a kernel that lacks everything that may be lacking.

usage: degraded FROM TO [WORD...]

Written from the manual of the manifest, not from the program: every rule that "needs" something (one
of the words, if there are any) gives way to what is to be loaded "instead". Prints how many."""
import hashlib
import json
import os
import struct
import sys

source, target, *words = sys.argv[1:]
manifest = json.load(open(f"{source}/manifest.json", encoding="utf-8"))
script = open(f"{source}/ruleset.nft", "rb").read()


def objects(index):
    """As the first format of the manifest has them."""
    count, places, digests, _ = struct.unpack_from("<4I", index, 8)
    at = 24 + 36 * count
    texts = at + 20 * places + 36 * digests

    def text(n):
        return None if n == 0xffffffff else index[texts + n:index.index(b"\0", texts + n)].decode()

    def place(n):
        words = [text(t) for t in struct.unpack_from("<5I", index, at + 20 * n)]
        return {k: v for k, v in zip(("at", "text", "needs", "instead", "key"), words) if v is not None}

    for i in range(count):
        kind, flags, name, stem, off, length, first, n, own = struct.unpack_from("<9I", index, 24 + 36 * i)
        o = {"kind": ("set", "map", "chain", "ct helper", "flowtable")[kind], "name": text(name), "stem": text(stem), "offset": off,
             "length": length, "dynamic": bool(flags & 1), "base": bool(flags & 2),
             ("rules" if kind == 2 else "elements"): [place(first + k) for k in range(n)]}
        yield o | (place(own) if own != 0xffffffff else {})


manifest.update(format=1, objects=list(objects(open(f"{source}/ruleset.index", "rb").read())))
del manifest["index"]
out, done, replaced = b"", 0, 0
for o in manifest["objects"]:
    out += script[done:o["offset"]]
    block = script[o["offset"]:o["offset"] + o["length"]].split(b"\n")
    done = o["offset"] + o["length"]
    if o["kind"] == "chain":
        rules = [i for i, line in enumerate(block) if line.startswith(b"\t\t")
                 and not line.startswith((b"\t\t#", b"\t\ttype "))]
        assert len(rules) == len(o["rules"]), o["name"]
        for i, rule in zip(rules, o["rules"]):
            if "needs" not in rule or (words and not set(words) & set(rule["needs"].split(","))):
                continue
            block[i] = b"\t\t" + rule["instead"].encode()
            replaced += 1
    o["offset"] = len(out)
    block = b"\n".join(block)
    o["length"] = len(block)
    out += block
out += script[done:]
manifest.pop("seal", None)
manifest["script"].update(size=len(out), sha256=hashlib.sha256(out).hexdigest())
os.makedirs(target, mode=0o700)
for name, data in (("ruleset.nft", out), ("manifest.json", json.dumps(manifest).encode())):
    with open(os.open(f"{target}/{name}", os.O_WRONLY | os.O_CREAT, 0o600), "wb") as f:
        f.write(data)
if os.path.exists(f"{source}/inspect.tables"):
    os.link(f"{source}/inspect.tables", f"{target}/inspect.tables")
print(replaced)
