# SPDX-License-Identifier: GPL-2.0-or-later
"""Each firewall of tests/bench/report: how rules "source /24, target host, protocol, port: accept", default
drop, are written for it, loaded into the router of a lab, and changed. What a program keeps in /etc and /var is put
over the host's in the mount namespace that `ip netns exec` makes."""
import os
import shutil
import time

from report_lab import Failed, run


def put(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)


class Peer:
    name, package, most, tuned, needs = "", None, 10 ** 9, "", ()
    changes = False # it can change one rule by itself
    slow = False # seconds to load a few rules

    def __init__(self, lab, work, fwc):
        self.lab, self.work, self.fwc, self.over = lab, os.path.join(work, lab.name), fwc, []
        os.makedirs(self.work, exist_ok=True)

    @classmethod
    def missing(cls):
        return [one for one in cls.needs if not shutil.which(one) and not os.path.exists(one)]

    def within(self, *argv):
        """The command in the router, with the directories of `over` in place of the host's."""
        binds = "".join("mount --bind '%s' '%s' && " % (ours, theirs) for ours, theirs in self.over)
        return ["ip", "netns", "exec", self.lab.router, *(["sh", "-c", binds + 'exec "$@"', "sh"] if binds else []),
                *argv]

    def write(self, rules):
        pass

    def compile(self):
        """What is made of the rules before they are loaded, if that is a step of its own."""

    def load(self):
        """The command that brings the rules into the kernel, as at boot."""

    def change(self, i):
        """The command that changes one rule."""

    def daemon_ms(self):
        """Processor time so far of what does the work in the background, with its children."""
        return 0

    def daemon_megabytes(self):
        return 0

    def clean(self):
        run(["ip", "netns", "exec", self.lab.router, "nft", "flush", "ruleset"])


class Fwc(Peer):
    name, changes = "fwc", True

    def command(self, *argv):
        return [self.fwc, "--netns", self.lab.router, "--state", self.work + "/state", *argv]

    def policy(self, name, rules):
        put(self.work + "/" + name, "forwarding on\nzone left { interface left }\nzone right { interface right }\n"
            + "".join("allow %s@left -> %s@right %s/%d\n" % one for one in rules))
        os.chmod(self.work + "/" + name, 0o644)

    def write(self, rules):
        self.policy("a.fwc", rules)
        self.policy("b.fwc", [("10.1.1.0/24", "172.17.0.1", "tcp", 7)] + rules[1:])

    def compile(self, which="a"):
        return self.command("compile", "%s/%s.fwc" % (self.work, which))

    def load(self):
        return self.command("apply")

    def boot(self):
        return self.command("boot")


class Empty(Peer):
    name = "empty stateful ruleset"

    def write(self, rules):
        put(self.work + "/rules", "table inet e { chain f { type filter hook forward priority 0; "
            "ct state established,related accept; }; }\n")

    def load(self):
        return self.within("nft", "-f", self.work + "/rules")


class NftList(Peer):
    name, changes = "nft, a list by hand", True

    def write(self, rules):
        put(self.work + "/rules", "flush ruleset\ntable inet f {\nchain f {\ntype filter hook forward priority 0; policy drop;\n"
            "ct state established,related accept\n"
            + "".join("ip saddr %s ip daddr %s %s dport %d accept\n" % one for one in rules) + "}\n}\n")

    def load(self):
        return self.within("nft", "-f", self.work + "/rules")

    def change(self, i):
        return self.within("nft", "insert rule inet f f ip saddr 10.1.1.0/24 ip daddr 172.17.0.1 tcp dport %d accept" % (i + 1))


class NftHash(NftList):
    name, tuned = "nft, a hash by hand", "one masked look-up, which only rules of one shape allow"

    def write(self, rules):
        keys = ",\n".join("%s . %s . %s . %d" % (s.split("/")[0], d, p, port) for s, d, p, port in rules)
        put(self.work + "/rules", "flush ruleset\ntable inet f {\nset s {\ntypeof ip saddr . ip daddr . meta l4proto . th dport\n"
            "size %d\nelements = { %s }\n}\nchain f {\ntype filter hook forward priority 0; policy drop;\n"
            "ct state established,related accept\n"
            "ip saddr & 255.255.255.0 . ip daddr . meta l4proto . th dport @s accept\n}\n}\n" % (len(rules) + 100, keys))

    def change(self, i):
        return self.within("nft", "add element inet f s { 10.1.1.0 . 172.17.0.1 . tcp . %d }" % (i + 1))


class IptablesNft(Peer):
    name, package, changes = "iptables-nft", "iptables", True
    needs = ("iptables-nft-restore", "iptables-nft")

    def write(self, rules):
        put(self.work + "/rules", "*filter\n:FORWARD DROP\n-A FORWARD -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT\n"
            + "".join("-A FORWARD -s %s -d %s -p %s --dport %d -j ACCEPT\n" % one for one in rules) + "COMMIT\n")

    def load(self):
        return self.within(self.needs[0], self.work + "/rules")

    def change(self, i):
        return self.within(self.needs[1], "-I", "FORWARD", "2", "-s", "10.1.1.0/24", "-d", "172.17.0.1", "-p", "tcp",
                           "--dport", str(i + 1), "-j", "ACCEPT")


class IptablesLegacy(IptablesNft):
    name = "iptables-legacy"
    needs = ("iptables-legacy-restore", "iptables-legacy")


class Ferm(Peer):
    name, package, needs = "ferm", "ferm", ("ferm",)

    def write(self, rules):
        put(self.work + "/ferm.conf", "domain ip table filter chain FORWARD {\npolicy DROP;\n"
            "mod conntrack ctstate (ESTABLISHED RELATED) ACCEPT;\n"
            + "".join("saddr %s daddr %s proto %s dport %d ACCEPT;\n" % one for one in rules) + "}\n")

    def compile(self):
        return self.within("ferm", "--noexec", "--lines", self.work + "/ferm.conf")

    def load(self):
        return self.within("ferm", self.work + "/ferm.conf")


class Ufw(Peer):
    name, package, needs = "ufw", "ufw", ("/lib/ufw/ufw-init", "ufw")

    def write(self, rules):
        etc = self.work + "/etc"
        shutil.copytree("/etc/ufw", etc, dirs_exist_ok=True)
        shutil.copytree("/usr/share/ufw/iptables", etc, dirs_exist_ok=True)
        put(etc + "/ufw.conf", "ENABLED=yes\nLOGLEVEL=off\n")
        chains = ["%s-user-%s" % (a, b) for a in ("ufw",) for b in
                  ("input", "output", "forward", "before-logging-input", "limit", "limit-accept")]
        put(etc + "/user.rules", "*filter\n" + "".join(":%s - [0:0]\n" % c for c in chains if "before" not in c)
            + "### RULES ###\n"
            + "".join("-A ufw-user-forward -p %s -d %s --dport %d -s %s -j ACCEPT\n" % (p, d, port, s)
                      for s, d, p, port in rules) + "### END RULES ###\nCOMMIT\n")
        with open("/etc/default/ufw", encoding="utf-8") as f:
            put(self.work + "/default", f.read() + '\nIPV6=no\nIPT_SYSCTL=\nDEFAULT_FORWARD_POLICY="DROP"\n'
                'IPT_MODULES=""\n')
        self.over = [(etc, "/etc/ufw"), (self.work + "/default", "/etc/default/ufw")]

    def load(self):
        return self.within("/lib/ufw/ufw-init", "force-reload")


class Shorewall(Peer):
    name, package, needs, most, slow = "shorewall", "shorewall", ("shorewall",), 1000, True

    def write(self, rules):
        etc, var = self.work + "/etc", self.work + "/var"
        shutil.copytree("/etc/shorewall", etc, dirs_exist_ok=True)
        os.makedirs(var, exist_ok=True)
        with open(etc + "/shorewall.conf", encoding="utf-8") as f:
            conf = f.read()
        put(etc + "/shorewall.conf", "".join(line for line in conf.splitlines(True)
            if not line.startswith(("STARTUP_ENABLED=", "IP_FORWARDING=", "STARTUP_LOG=", "LOG_LEVEL=")))
            + "STARTUP_ENABLED=Yes\nIP_FORWARDING=Keep\nSTARTUP_LOG=\n")
        put(etc + "/zones", "fw firewall\nl ipv4\nr ipv4\n")
        put(etc + "/interfaces", "?FORMAT 2\nl left\nr right\n")
        put(etc + "/policy", "all all DROP\n")
        put(etc + "/rules", "?SECTION NEW\n" + "".join(
            "ACCEPT l:%s r:%s %s %d\n" % one for one in rules))
        self.over = [(etc, "/etc/shorewall"), (var, "/var/lib/shorewall")]

    def compile(self):
        return self.within("shorewall", "compile", "/etc/shorewall", "/var/lib/shorewall/made")

    def load(self):
        return self.within("shorewall", "restart", "/etc/shorewall")


BUS = """<busconfig><type>system</type><listen>unix:path=%s</listen><auth>EXTERNAL</auth>
<policy context="default"><allow send_destination="*"/><allow receive_sender="*"/><allow own="*"/>
<allow user="*"/></policy></busconfig>
"""


class Firewalld(Peer):
    name, package, most, slow = "firewalld", "firewalld", 1000, True
    needs = ("firewalld", "firewall-cmd", "dbus-daemon")

    def write(self, rules):
        etc, bus = self.work + "/etc", self.work + "/bus"
        for one in ("zones", "policies", "services", "icmptypes", "ipsets", "helpers"):
            os.makedirs(etc + "/" + one, exist_ok=True)
        put(etc + "/firewalld.conf", "DefaultZone=block\nFirewallBackend=nftables\nIPv6_rpfilter=no\nCleanupOnExit=no\n"
            "CleanupModulesOnExit=no\n")
        for zone in ("left", "right"):
            put(etc + "/zones/%s.xml" % zone, '<zone target="DROP"><short>%s</short><interface name="%s"/></zone>' % (zone, zone))
        put(etc + "/policies/lr.xml", '<policy target="DROP" priority="-1"><ingress-zone name="left"/><egress-zone name="right"/>\n'
            + "".join('<rule family="ipv4"><source address="%s"/><destination address="%s"/>'
                      '<port protocol="%s" port="%d"/><accept/></rule>\n' % one for one in rules) + "</policy>\n")
        put(self.work + "/bus.conf", BUS % bus)
        self.over = [(etc, "/etc/firewalld")]
        self.env = {**os.environ, "DBUS_SYSTEM_BUS_ADDRESS": "unix:path=" + bus}
        if not os.path.exists(bus):
            self.lab.start("r", "dbus-daemon", "--nofork", "--config-file=" + self.work + "/bus.conf")
            self.wait(lambda: os.path.exists(bus), "its bus")
            argv = self.within("firewalld", "--nofork", "--nopid", "--log-file", self.work + "/log")[4:]
            self.pid = self.lab.start("r", *argv, env=self.env).pid
            self.wait(self.runs, "firewalld")

    def ask(self, *argv):
        return ["env", "DBUS_SYSTEM_BUS_ADDRESS=" + self.env["DBUS_SYSTEM_BUS_ADDRESS"], *self.within("firewall-cmd", *argv)]

    def runs(self):
        try:
            return "running" in run(self.ask("--state"))
        except Failed:
            return False

    @staticmethod
    def wait(done, what):
        end = time.monotonic() + 60
        while not done():
            if time.monotonic() > end:
                raise Failed(what + " did not start in a minute")
            time.sleep(0.05)

    def load(self):
        return self.ask("--reload")

    def daemon_ms(self):
        with open("/proc/%d/stat" % self.pid, encoding="utf-8") as f:
            return sum(int(n) for n in f.read().rsplit(")")[1].split()[11:15]) * 1000 / os.sysconf("SC_CLK_TCK")

    def daemon_megabytes(self):
        with open("/proc/%d/status" % self.pid, encoding="utf-8") as f:
            return next(int(line.split()[1]) / 1024 for line in f if line.startswith("VmHWM:"))

    def clean(self):
        pass


class Foomuuri(Peer):
    name, package, needs = "foomuuri", "foomuuri", ("foomuuri",)

    def write(self, rules):
        etc, var = self.work + "/etc", self.work + "/var"
        put(etc + "/fwc.conf", "zone {\n  localhost\n  l left\n  r right\n}\nl-r {\n"
            + "".join("  %s %d saddr %s daddr %s\n" % (p, port, s, d) for s, d, p, port in rules) + "  drop\n}\n")
        for one in (var, self.work + "/run"):
            os.makedirs(one, exist_ok=True)
        self.over = [(etc, "/etc/foomuuri"), (var, "/var/lib/foomuuri")]

    def load(self):
        return self.within("foomuuri", "--set=run_dir=" + self.work + "/run", "start")


ALL = [Empty, Fwc, NftHash, NftList, IptablesNft, IptablesLegacy, Ferm, Ufw, Shorewall, Firewalld, Foomuuri]
