#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A command on a terminal of its own. terminal.py COMMAND... prints what the terminal shows in the end, and before
that each line "drew TEXT" that it showed and took back. terminal.py --interrupt=N COMMAND...: the command stops itself
whenever it has drawn (stop:drawn); at the Nth time ^C is typed. terminal.py --until=TEXT COMMAND...: its children stop
themselves, and go on when it has written that. Exits as the command does, with 128 + N of a signal."""
import os
import pty
import select
import signal
import sys

DEADLINE = 60


def screen(data):
    """Lines in the end, and what lines held that were cleared."""
    lines, drew, at, column = [""], [], 0, 0
    while at < len(data):
        if data.startswith("\x1b[K", at):
            if lines[-1][column:]:
                drew.append(lines[-1])
            lines[-1] = lines[-1][:column]
            at += 3
            continue
        c = data[at]
        at += 1
        if c == "\r":
            column = 0
        elif c == "\n":
            lines.append("")
            column = 0
        else:
            lines[-1] = lines[-1][:column] + c + lines[-1][column + 1:]
            column += 1
    return lines, drew


def go_on(parent):
    """Children of it that are stopped."""
    for name in os.listdir("/proc"):
        try:
            with open(f"/proc/{name}/stat", encoding="utf-8", errors="replace") as f:
                state, of = f.read().rpartition(")")[2].split()[:2]
            if state == "T" and int(of) == parent:
                os.kill(int(name), signal.SIGCONT)
        except (OSError, ValueError):
            pass


def main():
    words, nth, until = sys.argv[1:], 0, None
    if words[0].startswith("--interrupt="):
        nth = int(words.pop(0).split("=")[1])
    elif words[0].startswith("--until="):
        until = words.pop(0).split("=", 1)[1].encode()
    pid, master = pty.fork()
    if not pid:
        os.execvp(words[0], words)
    data, stops, status = b"", 0, None
    end = os.times().elapsed + DEADLINE
    while os.times().elapsed < end:
        if select.select([master], [], [], 0.02)[0]:
            try:
                data += os.read(master, 65536)
            except OSError:
                pass
        if until and until in data and status is None:
            go_on(pid)
        if status is not None:
            if not select.select([master], [], [], 0)[0]:
                break
            if not os.path.exists(f"/proc/{pid}") and not data:
                break
            try:
                more = os.read(master, 65536)
            except OSError:
                break
            if not more:
                break
            data += more
            continue
        got, code = os.waitpid(pid, os.WNOHANG | os.WUNTRACED)
        if got and os.WIFSTOPPED(code):
            stops += 1
            if stops == nth:
                os.write(master, b"\x03")
            os.kill(pid, signal.SIGCONT)
        elif got:
            status = code
    else:
        os.kill(pid, signal.SIGKILL)
        sys.exit("the command does not end")
    lines, drew = screen(data.decode("utf-8", "replace"))
    for line in drew:
        print("drew", line)
    print("\n".join(lines), end="")
    sys.exit(os.WEXITSTATUS(status) if os.WIFEXITED(status) else 128 + os.WTERMSIG(status))


main()
