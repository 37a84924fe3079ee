# SPDX-License-Identifier: GPL-2.0-or-later
"""What tests/bench/report measured -> its page, in Markdown."""
from report_lab import middle, spread

METHOD = """# fwc beside other firewalls

Made by `tests/bench/report --out=docs`; run it to have the numbers of your machine. Everything here was measured in one
run, in which the firewalls took turns: rounds %d. A number is the median, with the least and the most in brackets.

![cost of a new flow by number of rules](benchmark.svg)

## How

Each firewall has a lab of its own: client, router and server in three network namespaces, joined by veth. Each is given the
same rules, from random numbers that are the same in every run: a source network of 24 bits, a target host, a protocol and
a port, accepted; everything else is dropped, which is tested. The traffic matches the last rule. On veth the sender's
processor does all the work of the path, so the time that a batch of %d-byte frames takes is what they cost, with what the
client's stack and veth need; the median of the batches is taken, and every packet is counted at the server.
Ratios are to a ruleset that is stateful and otherwise empty. What programs take is processor time of the whole command with
all of its processes (`perf stat -e task-clock`), in milliseconds, and the most memory that one process had.

The machine:

"""
UNITS = [("new", "New flow", "Ratio to the empty ruleset, whose cost is in ns. Less is better.", "ratio"),
         ("same", "Packet of an established flow", "Ratio to the empty ruleset, whose cost is in ns. Less is better.", "ratio"),
         ("tcp", "TCP connections a second", "Opened and reset one after the other, the last rule but one. More is better.", "%.0f"),
         ("compile", "Compile, ms", "For those to which it is a step of its own; fwc proves the result too.", "%.0f"),
         ("load", "Load, ms", "Rules into the kernel. fwc: apply, which reads back what it loaded; the others' own command.", "%.0f"),
         ("change", "One rule changed, ms", "fwc: compile with proof, and apply. Those that are not here load everything anew.", "%.0f"),
         ("boot", "Boot, ms", "fwc: `fwc boot`. The others do what they do to load.", "%.0f"),
         ("memory", "Memory, MB", "The most that one process had, to compile or to load.", "%.0f")]
EMPTY = "empty stateful ruleset"


def table(head, rows):
    return "\n".join("| %s |" % " | ".join(row) for row in [head, ["---"] + ["---:"] * (len(head) - 1)] + rows) + "\n"


def cell(rows, n, what, form, base):
    values = rows.get(n, {}).get(what)
    if not values:
        return "-"
    if form != "ratio":
        return spread(values, form)
    return spread([v / b for v, b in zip(values, base)]) # of the same round


def measured(result, sizes):
    out = ""
    for what, title, note, form in UNITS:
        rows = []
        for name, by_n in result.items():
            if not any(what in row for row in by_n.values()):
                continue
            if name == EMPTY and what in ("load", "memory"):
                continue
            ours = "%.0f" if name == EMPTY and form == "ratio" else form
            rows.append([name] + [cell(by_n, n, what, ours, result[EMPTY][n].get(what)) for n in sizes])
        out += "## %s\n\n%s\n\n%s\n" % (title, note, table(["rules"] + [format(n, ",") for n in sizes], rows))
    return out


def long_lists(sets):
    out = "## Long lists\n\nA list in a file, into the kernel: processor time, to the least of them, and memory of one process. `netlink alone` reads bytes\nand nothing back: a floor, no firewall.\n\n"
    for name, rows in sets.items():
        least = min(middle(ms) for _, ms, _ in rows if isinstance(ms, list))
        out += table([name, "ms", "ratio", "MB"],
                     [[who, spread(ms, "%.0f"), "%.1f" % (middle(ms) / least), "%.0f" % mb] if isinstance(ms, list)
                      else [who, "not here: " + ms, "-", "-"] for who, ms, mb in rows]) + "\n"
    return out


def slower(result, sets, sizes):
    """Every peer whose median is better, if the two ranges do not overlap; otherwise nobody can tell."""
    found = []
    for what, title, _, _ in UNITS:
        better = {}
        for n in sizes:
            ours = result["fwc"].get(n, {}).get(what)
            for name, rows in result.items():
                theirs = rows.get(n, {}).get(what if what != "boot" else "load")
                if name in ("fwc", EMPTY) or not ours or not theirs:
                    continue
                worse = min(theirs) > max(ours) if what == "tcp" else max(theirs) < min(ours)
                ratio = middle(theirs) / middle(ours) if what == "tcp" else middle(ours) / middle(theirs)
                if worse:
                    better.setdefault(name, {})[n] = "%.1f" % ratio
        if better:
            found.append("%s\n\n%s" % (title, table(["rules"] + [format(n, ",") for n in sizes], [
                [name] + [by_n.get(n, "-") for n in sizes] for name, by_n in better.items()])))
    others = []
    for name, rows in sets.items():
        for who, ms, mb in rows[1:]:
            if isinstance(ms, list) and max(ms) < min(rows[0][1]):
                others.append("- %s: %s, by a factor of %.1f" % (name, who, middle(rows[0][1]) / middle(ms)))
            if mb and mb < rows[0][2]:
                others.append("- %s, memory: %s, by a factor of %.1f" % (name, who, rows[0][2] / mb))
    if others:
        found.append("Long lists\n\n%s\n" % "\n".join(others))
    return ("## Slower than a peer\n\nWhere all rounds of another are better than all of fwc's, and by what factor.\n\n%s"
            % ("\n".join(found) or "Nowhere.\n"))


def page(result, sets, about, sizes, rounds, missing, most, tuned):
    out = METHOD % (rounds, 64) + "".join("- %s\n" % line for line in about) + "\n"
    left = ["- %s: not installed (%s)" % (name, ", ".join(what)) for name, what in missing.items()]
    left += ["- %s: with more than %s rules, because loading them takes minutes" % (name, format(n, ","))
             for name, n in most.items() if n < max(sizes) and name not in missing]
    notes = ["%s: %s." % pair for pair in tuned.items()]
    return (out + "Not measured:\n\n" + "\n".join(left) + "\n\n" + "\n".join(notes) + "\n\n" + measured(result, sizes)
            + long_lists(sets) + "\n" + slower(result, sets, sizes))
