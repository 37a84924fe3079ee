#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""complete.py SHELL...: types into a real interactive shell on a terminal, as a person would.

Standard input: one script a line. "\\t" is the tab key, "\\r" return; what the shell shows in answer
is printed, without its colours and cursor movements. Each script begins at a fresh prompt; a line
"= TEXT" waits for TEXT to have been shown."""
import os
import pty
import re
import select
import sys
import time

DEADLINE = 20


class Shell:
    def __init__(self, argv):
        pid, self.fd = pty.fork()
        if pid == 0:
            os.environ.update(TERM="xterm", COLUMNS="200", LINES="50")
            os.execvp(argv[0], argv)
        self.seen = ""

    def read(self, seconds):
        """What comes within so many seconds; "" if nothing does."""
        if not select.select([self.fd], [], [], seconds)[0]:
            return ""
        try:
            got = os.read(self.fd, 65536).decode("utf-8", "replace")
        except OSError:
            return ""
        # fish asks the terminal what it is, and waits for the answer
        if "\x1b[c" in got or "\x1b[0c" in got:
            os.write(self.fd, b"\x1b[?62;c")
        self.seen += got
        return got

    def text(self):
        plain = re.sub(r"\x1b\][^\x07\x1b]*(\x07|\x1b\\)|\x1b[\[(][0-9;?<>=]*[ -/]*[@-~A-Z0-9]|\x1b[=>]", "", self.seen)
        return plain.replace("\x07", "")

    def wait(self, text):
        """Until it is shown, or the deadline has passed."""
        until = time.monotonic() + DEADLINE
        while text not in self.text() and time.monotonic() < until:
            self.read(0.2)
        return text in self.text()

    def type(self, keys):
        self.seen = ""
        os.write(self.fd, keys.encode())


shell = Shell(sys.argv[1:])
bad = 0
for line in sys.stdin:
    line = line.rstrip("\n")
    if line.startswith("= "):
        found = shell.wait(line[2:])
        print(("shown:  " if found else "NOT shown: ") + line[2:])
        if not found:
            bad += 1
            print("    what was shown: " + repr(shell.text()))
    elif line:
        shell.type(line.encode().decode("unicode_escape"))
sys.exit(bad > 0)
