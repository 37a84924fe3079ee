# SPDX-License-Identifier: GPL-2.0-or-later
"""The table of flows: rows as written, and what was seen of each flow. See flows."""

import ipaddress

FLAGS = {"fin": 1, "syn": 2, "rst": 4, "psh": 8, "ack": 16, "urg": 32}
# Family, type and code of the ICMP errors that a table can name.
ERRORS = {
    (4, 3, 1): "host-unreachable", (4, 3, 3): "port-unreachable", (4, 3, 4): "too-big",
    (4, 3, 13): "prohibited", (4, 11, 0): "time-exceeded",
    (6, 1, 1): "prohibited", (6, 1, 3): "host-unreachable", (6, 1, 4): "port-unreachable",
    (6, 2, 0): "too-big", (6, 3, 0): "time-exceeded",
}
FATES = {"passes", "arrives", "dropped", "reset", "refused"} | set(ERRORS.values())


class TableError(Exception):
    """A line of the table that cannot be read."""


class Host:
    def __init__(self, name, netns, v4, v6, kind):
        self.name, self.netns, self.firewall = name, netns, kind == "firewall"
        self.broadcast = kind == "broadcast"
        self.addr = {4: None if v4 == "-" else v4,
                     6: None if v6 == "-" else str(ipaddress.ip_address(v6))}


class Flow:
    """One packet or connection: what the table says of it, and what was seen of it."""

    def __init__(self, row, family):
        self.__dict__.update(row)
        self.family = family
        self.sock = None
        self.token = b""
        self.local = None        # (address, port) that the sender used
        self.seq = None          # initial sequence number: NAT does not change it
        self.answered = False
        self.error = None        # (outcome, address of who sent it)
        self.arrivals = []       # (netns, source, destination, port)
        self.left = False        # seen leaving the firewall
        self.mss = [None, None]  # of the SYN at its end, of the SYN/ACK at the sender
        self.rst = False

    def decided(self):
        return self.answered or self.error is not None

    def outcome(self):
        if self.kind == "proto" and self.arrivals:
            return "arrives"    # its end does not speak that protocol, and may say so
        if self.error:
            if self.error[0] == "reset" and self.arrivals:
                return "refused"
            return self.error[0]
        if self.answered:
            return "passes"
        if self.arrivals:
            return "arrives"
        return "lost on the way" if self.left else "dropped"


def take(words, what):
    if not words:
        raise TableError(f"{what} is missing")
    return words.pop(0)


def read_service(word):
    if word == "ping":
        return "ping", 0
    kind, slash, number = word.partition("/")
    if kind not in ("tcp", "udp", "icmp", "proto") or not slash or not number.isdigit():
        raise TableError(f"no service: {word}")
    return kind, int(number)


def read_row(line, hosts):
    """One line of the table; the flow of each family is made from the row."""
    left, colon, right = line.partition(" : ")
    if not colon:
        raise TableError("no ` : FATE`")
    row = {"text": " ".join(line.split()), "flags": None, "ttl": None, "size": 0, "sport": 0,
           "closed": False, "times": 1, "at": None, "as_": None, "want_mss": None, "by": None,
           "count": None, "want_family": None}
    words = left.split()
    if words and words[0] in ("v4", "v6"):
        row["want_family"] = int(words.pop(0)[1])
        row["text"] = row["text"][3:]
    row["who"] = find_host(take(words, "WHO"), hosts)
    if take(words, "->") != "->":
        raise TableError("no `->`")
    row["where"] = find_host(take(words, "WHERE"), hosts)
    row["kind"], row["port"] = read_service(take(words, "SERVICE"))
    while words:
        option = words.pop(0)
        if option == "closed":
            row["closed"] = True
        elif option == "flags":
            names = take(words, "flags").split(",")
            row["flags"] = sum(FLAGS[n] for n in names)
            row["kind"] = "rawtcp"
        elif option in ("ttl", "size", "sport", "times"):
            row[option] = int(take(words, option))
        else:
            raise TableError(f"no option: {option}")
    words = right.split()
    row["fate"] = take(words, "FATE")
    if row["fate"] not in FATES:
        raise TableError(f"no fate: {row['fate']}")
    while words:
        read_detail(row, words, hosts)
    return row


def read_detail(row, words, hosts):
    detail = words.pop(0)
    value = take(words, detail)
    if detail == "at":
        names, _, port = value.partition(":")
        row["at"] = ([find_host(n, hosts) for n in names.split(",")], int(port) if port else None)
    elif detail == "as":
        row["as_"] = [find_host(n, hosts) for n in value.split(",")]
    elif detail == "by":
        row["by"] = find_host(value, hosts)
    elif detail in ("mss", "syn-mss"):
        v4, _, v6 = value.partition("/")
        row["want_mss"] = {4: int(v4), 6: int(v6 or v4), "both": detail == "mss"}
    elif detail == "count":
        low, _, high = value.partition("-")
        row["count"] = (int(low), int(high or low))
    else:
        raise TableError(f"no detail: {detail}")


def find_host(word, hosts):
    """A host of the lab, or an address that need not belong to any."""
    if word in hosts:
        return hosts[word]
    try:
        addr = ipaddress.ip_address(word)
    except ValueError:
        raise TableError(f"no host: {word}") from None
    return Host(word, None, str(addr) if addr.version == 4 else "-",
                str(addr) if addr.version == 6 else "-", "address")


def read_table(lines, hosts):
    """The flows, by row."""
    rows = []
    for number, line in enumerate(lines, 1):
        text, _, remark = line.partition("#")
        if not text.strip():
            if remark.strip():
                rows.append((remark.strip(), []))
            continue
        try:
            row = read_row(text, hosts)
            row["remark"] = remark.strip()
            families = [f for f in (4, 6) if row["who"].addr[f] and row["where"].addr[f]
                        and row["want_family"] in (None, f)]
            if not families or not row["who"].netns:
                raise TableError("no family in common")
        except (TableError, ValueError, KeyError) as err:
            raise TableError(f"table line {number}: {err}\n    {line.strip()}") from None
        rows.append((row, [[Flow(row, f) for _ in range(row["times"])] for f in families]))
    return rows
