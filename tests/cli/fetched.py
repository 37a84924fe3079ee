#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Writes below a state directory what was fetched for a set, as store/fetched.h and util/bulk_file.h have it.

usage: fetched.py STATE NAME SOURCE FETCHED ADDRESS...     (SOURCE: dns:NAME,NAME or a URL; an ADDRESS: or LOW-HIGH;
                                                            -: lines of them)
"""
import hashlib
import ipaddress
import json
import os
import sys

state, name, source, fetched, *addresses = sys.argv[1:]
if addresses == ["-"]:
    addresses = sys.stdin.read().split()
folder = os.path.join(state, "fetched")
os.makedirs(folder, mode=0o700, exist_ok=True)
names = source[4:].split(",") if source.startswith("dns:") else []
head = {"format": 1, "source": "dns" if names else source, "fetched": int(fetched), "next": int(fetched) + 3600,
        "names": [{"name": n, "asked": int(fetched), "until": int(fetched) + 60, "addresses": []} for n in names]}
ranges = {4: [], 6: []}
for text in addresses:
    low, _, high = text.partition("-")
    ends = [ipaddress.ip_address(low), ipaddress.ip_address(high or low)]
    ranges[ends[0].version].append(ends)
    for n in head["names"][:1]:
        n["addresses"].append(text)
for version, pairs in ranges.items():
    if not pairs:
        continue
    data = bytes([version]) + b"".join(end.packed for pair in sorted(pairs) for end in pair)
    digest = hashlib.sha256(data).hexdigest()
    with open(os.path.join(folder, digest + ".elements"), "wb") as f:
        f.write(data)
    head[f"v{version}"] = digest
with open(os.path.join(folder, name + ".json"), "w", encoding="utf-8") as f:
    json.dump(head, f)
