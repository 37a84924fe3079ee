#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A name server that says what a file says (RFC 1035): names.py ADDRESS ZONE LOG. The file, JSON, is read again
for each question: {"NAME": {"A": [...], "AAAA": [...], "ttl": 60, "cname": "NAME", "rcode": 3, "mute": true,
"slow": SECONDS}}. What was asked goes to the log, a line each. "ready" there says that it listens."""
import ipaddress
import json
import socket
import struct
import sys
import threading
import time

ADDRESS, ZONE, LOG = sys.argv[1:]
lock = threading.Lock()


def log(text):
    with lock, open(LOG, "a", encoding="utf-8") as f:
        f.write(text + "\n")


def encode(name):
    return b"".join(bytes([len(p)]) + p.encode() for p in name.split(".")) + b"\0"


def record(name, asked, kind, ttl, data):
    owner = b"\xc0\x0c" if name == asked else encode(name)  # a pointer to the question (4.1.4)
    return owner + struct.pack("!HHIH", kind, 1, ttl, len(data)) + data


def answer(query, limit):
    labels, at = [], 12
    while query[at]:
        labels.append(query[at + 1:at + 1 + query[at]].decode())
        at += 1 + query[at]
    name, (kind,) = ".".join(labels), struct.unpack("!H", query[at + 1:at + 3])
    question = query[12:at + 5]
    with open(ZONE, encoding="utf-8") as f:
        zone = json.load(f)
    log(f"{name} {kind}")
    entry, out, owner = zone.get(name.lower()), [], name
    while entry and "cname" in entry:
        out.append(record(owner, name, 5, entry.get("ttl", 60), encode(entry["cname"])))
        owner = entry["cname"]
        entry = zone.get(owner)
    if entry is None:
        return query[:2] + struct.pack("!HHHHH", 0x8183, 1, 0, 0, 0) + question
    if entry.get("mute"):
        return None
    time.sleep(entry.get("slow", 0))
    for word, number in (("A", 1), ("AAAA", 28)):
        if kind == number:
            out += [record(owner, name, kind, entry.get("ttl", 60), ipaddress.ip_address(a).packed)
                    for a in entry.get(word, [])]
    flags = 0x8180 | entry.get("rcode", 0)
    if entry.get("rcode"):
        out = []
    whole = query[:2] + struct.pack("!HHHHH", flags, 1, len(out), 0, 0) + question + b"".join(out)
    if len(whole) > limit:
        return query[:2] + struct.pack("!HHHHH", flags | 0x200, 1, 0, 0, 0) + question
    return whole


def by_udp(sock):
    def one(query, peer):
        reply = answer(query, 512)
        if reply:
            sock.sendto(reply, peer)
    while True:
        query, peer = sock.recvfrom(4096)
        threading.Thread(target=one, args=(query, peer), daemon=True).start()


def by_tcp(sock):
    def one(conn):
        with conn, conn.makefile("rb") as f:
            while len(head := f.read(2)) == 2:
                reply = answer(f.read(struct.unpack("!H", head)[0]), 65535)
                if reply:
                    conn.sendall(struct.pack("!H", len(reply)) + reply)
    while True:
        threading.Thread(target=one, args=(sock.accept()[0],), daemon=True).start()


udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
udp.bind((ADDRESS, 53))
tcp = socket.create_server((ADDRESS, 53))
threading.Thread(target=by_udp, args=(udp,), daemon=True).start()
log("ready")
by_tcp(tcp)
