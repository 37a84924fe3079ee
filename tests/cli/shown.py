#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""shown FILE... [--colours] [--json FILE]: whether what a command printed may reach a terminal.

Each FILE is UTF-8 and has no control but newline and tab, and nothing that turns the direction of
text; with --colours besides the escapes that fwc itself paints with. --json: and FILE is JSON, or empty."""
import json
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


def main():
    names, colours, whole = [], False, []
    words = iter(sys.argv[1:])
    for word in words:
        if word == "--colours":
            colours = True
        elif word == "--json":
            whole.append(next(words))
        else:
            names.append(word)
    bad = []
    for name in names + whole:
        with open(name, "rb") as f:
            raw = f.read()
        found = flaw(PAINT.sub(b"", raw) if colours else raw)
        if found:
            bad.append(found)
        elif name in whole and raw.strip():
            try:
                json.loads(raw)
            except ValueError as e:
                bad.append(f"no JSON: {e}: {raw!r}")
    for line in bad:
        print(line)
    sys.exit(bool(bad))


main()
