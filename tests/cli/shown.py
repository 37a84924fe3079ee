#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""shown DIR: whether what commands printed may reach a terminal.

Each file of DIR is UTF-8 and has no control but newline and tab, and nothing that turns the direction of
text; N.--color=always has the escapes, too, that fwc itself paints with, and N.--json is JSON, or empty. What
N.command says, if it is there, printed it."""
import json
import os
import re
import sys
import unicodedata

PAINT = re.compile(rb"\x1b\[(?:0|1|3[12]|1;3[1256])m")
TURNS = {0x200b, 0x200c, 0x200d, 0x200e, 0x200f, 0x2028, 0x2029, 0xfeff, *range(0x202a, 0x202f), *range(0x2066, 0x206a)}


def flaw(raw):
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as e:
        return f"no UTF-8: {raw[max(0, e.start - 30):e.end + 10]!r}"
    for i, c in enumerate(text):
        if c not in "\n\t" and (unicodedata.category(c) == "Cc" or ord(c) in TURNS):
            return f"{c!r} in {text[max(0, i - 40):i + 10]!r}"
    return None


def read(*path):
    with open(os.path.join(*path), "rb") as f:
        return f.read()


def no_json(raw):
    """One document, or, of what goes on and on, one a line."""
    try:
        json.loads(raw)
        return None
    except ValueError:
        pass
    try:
        for line in raw.splitlines():
            json.loads(line)
    except ValueError as e:
        return f"no JSON: {e}: {raw!r}"
    return None


def main():
    place, bad = sys.argv[1], 0
    for name in sorted(os.listdir(place)):
        number, kind = name.split(".", 1)
        if kind == "command":
            continue
        raw = read(place, name)
        painted = os.path.exists(os.path.join(place, number + ".--color=always"))
        found = flaw(PAINT.sub(b"", raw) if painted else raw)
        if not found and kind == "--json" and raw.strip():
            found = no_json(raw)
        if found:
            bad += 1
            command = os.path.join(place, number + ".command")
            print(f"{name}: {found}\n    {read(command)[:300]!r}" if os.path.exists(command) else f"{name}: {found}")
    sys.exit(bool(bad))


main()
