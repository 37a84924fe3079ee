# SPDX-License-Identifier: GPL-2.0-or-later
"""What tests/bench/report measures with: a client, a router and a server in network namespaces of their own
for each firewall, all of which stand side by side so that repeats can be interleaved; the rules; and what a
command costs."""
import os
import random
import statistics
import subprocess

CLIENT, SERVER, UDP, TCP, CLOSED = "10.200.0.2", "172.31.0.2", 4000, 4001, 4999


class Failed(Exception):
    """Something that is installed could not be measured."""


def run(argv, **more):
    done = subprocess.run(argv, capture_output=True, text=True, **more)
    if done.returncode:
        raise Failed("%s: %s" % (" ".join(argv)[:200], (done.stderr or done.stdout).strip()[-600:]))
    return done.stdout


def rules(n):
    """(source, target, protocol, port), the last of which are those of the traffic."""
    rng, found = random.Random(n), []
    seen = set()
    while len(found) < n - 2:
        one = ("10.%d.%d.0/24" % (rng.randrange(1, 200), rng.randrange(256)),
               "172.16.%d.%d" % (rng.randrange(256), rng.randrange(1, 255)),
               rng.choice(["tcp", "udp"]), rng.randrange(1, 60000))
        if one not in seen:
            seen.add(one)
            found.append(one)
    return found + [("10.200.0.0/24", SERVER, "tcp", TCP), ("10.200.0.0/24", SERVER, "udp", UDP)]


class Lab:
    """client - router - server; `with` takes it down again."""

    def __init__(self, name, bench):
        self.name, self.bench, self.server, self.processes = name, bench, None, []
        self.ns = {side: "%s-%s" % (name, side) for side in "crs"}
        self.router = self.ns["r"]

    def ip(self, side, *words):
        run(["ip", "-n", self.ns[side], *words])

    def inside(self, side, *argv):
        return run(["ip", "netns", "exec", self.ns[side], *argv])

    def __enter__(self):
        try:
            self.build()
        except BaseException:
            self.__exit__()
            raise
        return self

    def build(self):
        for side in "crs":
            run(["ip", "netns", "add", self.ns[side]])
            self.inside(side, "sysctl", "-qw", "net.ipv6.conf.all.disable_ipv6=1",
                        "net.ipv6.conf.default.disable_ipv6=1")
            self.ip(side, "link", "set", "lo", "up")
        self.ip("r", "link", "add", "left", "type", "veth", "peer", "name", "e", "netns", self.ns["c"])
        self.ip("r", "link", "add", "right", "type", "veth", "peer", "name", "e", "netns", self.ns["s"])
        for side, link, address in [("r", "left", "10.200.0.1/24"), ("r", "right", "172.31.0.1/24"),
                                    ("c", "e", CLIENT + "/24"), ("s", "e", SERVER + "/24")]:
            self.ip(side, "addr", "add", address, "dev", link)
            self.ip(side, "link", "set", link, "up")
        self.ip("c", "route", "add", "default", "via", "10.200.0.1")
        self.ip("s", "route", "add", "default", "via", "172.31.0.1")
        self.inside("r", "sysctl", "-qw", "net.ipv4.ip_forward=1")
        self.inside("s", "nft", "table ip m { chain c { type filter hook prerouting priority -300; "
                                "ip protocol udp counter drop; }; }")
        self.server = self.start("s", self.bench, "accept", str(TCP))
        self.server.stdout.readline()

    def start(self, side, *argv, **more):
        one = subprocess.Popen(["ip", "netns", "exec", self.ns[side], *argv], stdout=subprocess.PIPE,
                               stderr=subprocess.DEVNULL, text=True, **more)
        self.processes.append(one)
        return one

    def __exit__(self, *_):
        for one in reversed(self.processes):
            one.terminate()
            one.wait()
        for name in self.ns.values():
            subprocess.run(["ip", "netns", "del", name], capture_output=True)

    def arrived(self):
        words = self.inside("s", "nft", "list", "ruleset").split()
        return int(words[words.index("packets") + 1])

    def is_shut(self):
        """Nothing that no rule allows comes through."""
        before = self.arrived()
        self.inside("c", self.bench, "new", CLIENT, SERVER, str(CLOSED), "250")
        return self.arrived() == before

    def packets(self, kind, n):
        """ns a packet; a round in which the kernel's queue ran over is done again."""
        for _ in range(4):
            self.inside("r", self.bench, "forget")
            if kind == "same":
                self.inside("c", self.bench, "same", CLIENT, SERVER, str(UDP), "250")
                self.inside("s", self.bench, "answer", SERVER, CLIENT, str(UDP))
                known = self.inside("r", "conntrack", "-L", "-p", "udp", "--dport", str(UDP))
                if not known or "[UNREPLIED]" in known:
                    raise Failed("a flow that was answered is not established")
            before = self.arrived()
            cost = float(self.inside("c", self.bench, kind, CLIENT, SERVER, str(UDP), str(n)))
            got = self.arrived() - before
            if got == n // 250 * 250:
                return cost
        raise Failed("%d of %d packets arrived" % (got, n))

    def connections(self, n):
        self.inside("r", self.bench, "forget")
        return float(self.inside("c", self.bench, "connect", SERVER, str(TCP), str(n)))


class Cost:
    """Processor time of a command with all of its processes, and the memory that one of them had at most."""

    def __init__(self, work, bench):
        self.file, self.bench = os.path.join(work, "clock"), bench

    def ms(self, argv, stdin=None):
        with open(stdin or os.devnull, "rb") as given:
            done = subprocess.run(["perf", "stat", "-x,", "-o", self.file, "-e", "task-clock", "--", *argv],
                                  stdin=given, capture_output=True)
        if done.returncode:
            raise Failed("%s: %s" % (" ".join(argv)[:200], (done.stderr or done.stdout).decode().strip()[-600:]))
        with open(self.file, encoding="utf-8") as f:
            return next(float(line.split(",")[0]) for line in f if "task-clock" in line)

    def megabytes(self, argv, stdin=None):
        with open(stdin or os.devnull, "rb") as given:
            return float(run([self.bench, "peak", *argv], stdin=given)) / 1024


def middle(values):
    return statistics.median(values)


def spread(values, form="%.2f"):
    """The median, and in brackets the least and the most of several."""
    if not values:
        return "-"
    text = form % middle(values)
    return text if len(values) == 1 else (text + " (" + form + "-" + form + ")") % (min(values), max(values))
