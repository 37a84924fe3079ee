#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""fwc boot never leaves a host open: each damage of the store with each damage of boot.conf, in one namespace.

    never_open.py NAMESPACE DIRECTORY [all]

After each boot the kernel is asked for the base chains of table inet fwc: input, forward and output must drop
what no rule accepts. Whom the rules let in by ssh must be whom boot.conf names, as far as it may be believed.
Without `all` every damage is there with a few of the others. Ends with "N passed, N failed"."""
import json
import os
import shutil
import socket
import subprocess
import sys

FWC = os.environ["FWC"]
NS, HERE = sys.argv[1:3]
ALL = len(sys.argv) > 3
ETC, STATE, SOUND = (os.path.join(HERE, d) for d in ("etc", "state", "sound"))
CONF = os.path.join(ETC, "boot.conf")
OFFICE = "198.51.100.0/24"
counts = {True: 0, False: 0}


def nft(*words, text=None):
    return subprocess.run(["ip", "netns", "exec", NS, "nft", *words], input=text, check=True, capture_output=True,
                          text=True).stdout


def fwc(*words, env=None, **kw):
    return subprocess.run([FWC, "--netns", NS, "--state", STATE, "--config", ETC + "/firewall.fwc", *words],
                          capture_output=True, text=True, errors="replace", env=dict(os.environ, **env or {}), **kw)


# ---- damages of the store: each is done to applied/ and to its copy in the history ----

def each(change):
    def both():
        for d in ("applied", "generation.1"):
            change(os.path.join(STATE, d))
    return both


def write(name, data):
    return each(lambda d: open(os.path.join(d, name), "wb").write(data))


def edit(name, change):
    def one(d):
        p = os.path.join(d, name)
        data = open(p, "rb").read()
        open(p, "wb").write(change(data))
    return each(one)


def instead(name, make):
    def one(d):
        p = os.path.join(d, name)
        os.rename(p, os.path.join(HERE, "moved"))
        make(p)
    return each(one)


def no_state():
    shutil.rmtree(STATE)
    open(STATE, "w").close()


def linked_state():
    os.rename(STATE, STATE + ".real")
    os.symlink(STATE + ".real", STATE)


STORE = {
    "nothing": lambda: (shutil.rmtree(STATE), os.mkdir(STATE, 0o700)),
    "no directory": lambda: shutil.rmtree(STATE),
    "a file in place of the directory": no_state,
    "a link in place of the directory": linked_state,
    "a directory that others may write": lambda: os.chmod(STATE, 0o777),
    "a directory of another user": lambda: os.chown(STATE, 65534, 65534),
    "no applied, no history": each(shutil.rmtree),
    "the artefacts are files": each(lambda d: (shutil.rmtree(d), open(d, "w").close())),
    "empty script": write("ruleset.nft", b""),
    "script cut short": edit("ruleset.nft", lambda b: b[:len(b) // 2]),
    "script of zeros": edit("ruleset.nft", lambda b: bytes(len(b))),
    "script with one byte changed": edit("ruleset.nft", lambda b: b.replace(b"accept", b"accepT", 1)),
    "foreign script": write("ruleset.nft", b"flush ruleset\n"),
    "empty manifest": write("manifest.json", b""),
    "manifest cut short": edit("manifest.json", lambda b: b[:700]),
    "manifest of zeros": edit("manifest.json", lambda b: bytes(len(b))),
    "manifest is a list": write("manifest.json", b"[]"),
    "manifest is deep": write("manifest.json", b"[" * 100000),
    "manifest without objects": write("manifest.json", b'{"format": 1, "objects": []}'),
    "both empty": each(lambda d: [open(os.path.join(d, n), "w").close() for n in ("ruleset.nft", "manifest.json")]),
    "script is a FIFO": instead("ruleset.nft", os.mkfifo),
    "script is a directory": instead("ruleset.nft", os.mkdir),
    "script is a link": instead("ruleset.nft", lambda p: os.symlink("/dev/zero", p)),
    "manifest is a link to itself": instead("manifest.json", lambda p: os.symlink("manifest.json", p)),
    "script that others may write": each(lambda d: os.chmod(os.path.join(d, "ruleset.nft"), 0o666)),
    "lock is a directory": lambda: (STORE["nothing"](), os.mkdir(os.path.join(STATE, "lock"))),
    "trial without its rules": lambda: (STORE["nothing"](), open(os.path.join(STATE, "trial.json"), "w").write("{")),
}

# ---- boot.conf: its text, or what makes it; and who is let in ----

CONFS = {
    "none": (None, []),
    "fine": ("ssh-from %s\n" % OFFICE, [OFFICE]),
    "host bits": ("ssh-from 198.51.100.9/24\n", [OFFICE]),
    "host bits of IPv6": ("ssh-from fd00:1::/28\n", ["fd00::/28"]),
    "host bits among others": ("ssh-from %s, 192.0.2.77/25\n" % OFFICE, ["192.0.2.0/25", OFFICE]),
    "all, by a slip": ("ssh-from 1.2.3.4/0\n", []),
    "all, by a slip, among others": ("ssh-from ::1:2/0 %s\n" % OFFICE, [OFFICE]),
    "all, as wanted": ("ssh-from 0.0.0.0/0\n", ["0.0.0.0/0"]),
    "IPv4 within IPv6": ("ssh-from ::ffff:198.51.100.0/120\n", [OFFICE]),
    "one network twice": ("ssh-from %s\nssh-from %s\n" % (OFFICE, OFFICE), [OFFICE]),
    "networks within each other": ("ssh-from %s, 198.51.100.7\n" % OFFICE, None),
    "odd addresses": ("ssh-from 224.0.0.0/4, 127.0.0.1, ::, ff02::/16, 255.255.255.255, 0.0.0.0, ::1/128\n", None),
    "a length that is too long": ("ssh-from 198.51.100.0/33\n", []),
    "a length of many digits": ("ssh-from 198.51.100.0/4294967320\n", []),
    "no port": ("ssh-from %s\nssh-port\n" % OFFICE, []),
    "port 0": ("ssh-from %s\nssh-port 0\n" % OFFICE, []),
    "a port that wraps": ("ssh-from %s\nssh-port 65558\n" % OFFICE, []),
    "foreign words": ("ssh-from %s\nallow any -> any\n" % OFFICE, []),
    "a rule behind the network": ("ssh-from %s -> self\n" % OFFICE, []),
    "empty": ("", []),
    "a NUL byte": ("ssh-from %s\n\0\nssh-port 99999\n" % OFFICE, []),
    "no UTF-8": (b"ssh-from %s\n# \xff\n" % OFFICE.encode(), []),
    "ends of lines of another system": ("ssh-from %s\r\n" % OFFICE, []),
    "binary": (bytes(range(256)) * 40, []),
    "a long line": ("ssh-from " + ", ".join(["%s" % OFFICE] * 6000) + "\n", []),
    "very many networks": ("".join("ssh-from 10.%d.%d.0/24\n" % (n // 250, n % 250) for n in range(60000)), None),
    "written by others": (lambda: (open(CONF, "w").write("ssh-from %s\n" % OFFICE), os.chmod(CONF, 0o666)), []),
    "of another user": (lambda: (open(CONF, "w").write("ssh-from %s\n" % OFFICE), os.chown(CONF, 65534, 0)), []),
    "directory that others may write": (lambda: (open(CONF, "w").write("ssh-from %s\n" % OFFICE),
                                                 os.chmod(ETC, 0o777)), []),
    "directory of another user": (lambda: (open(CONF, "w").write("ssh-from %s\n" % OFFICE),
                                           os.chown(ETC, 65534, 65534)), []),
    "a link of root's": (lambda: (open(ETC + "/real", "w").write("ssh-from %s\n" % OFFICE),
                                  os.symlink("real", CONF)), [OFFICE]),
    "a link of another user": (lambda: (open(ETC + "/real", "w").write("ssh-from %s\n" % OFFICE),
                                        os.symlink("real", CONF), os.lchown(CONF, 65534, 65534)), []),
    "a link to nothing": (lambda: os.symlink("gone", CONF), []),
    "a link to itself": (lambda: os.symlink("boot.conf", CONF), []),
    "a FIFO": (lambda: os.mkfifo(CONF), []),
    "a directory": (lambda: os.mkdir(CONF), []),
    "a device": (lambda: os.symlink("/dev/zero", CONF), []),
    "no directory": (lambda: shutil.rmtree(ETC), []),
}

# ---- what else there may be: in the kernel before, and on the way ----

BEFORE = {
    "nothing": "",
    "a table that sleeps": "table inet fwc { flags dormant\nchain input { type filter hook input priority 0; policy drop; }\n}\n",
    "chains that accept": "table inet fwc { chain input { type filter hook input priority 0; policy accept; }\n}\n",
    "chains of another kind": "table inet fwc { chain input { type nat hook input priority 100; }\nset output { type mark; }\n}\n",
    "half of a firewall": "table inet fwc { chain input { type filter hook input priority 0; policy drop; }\n}\n",
}
FAULTS = ["rescue-settings", "rescue", "rescue,rescue-settings", "rescue,block", "rescue,rescue-settings,block",
          "boot-opened", "boot-opened,boot-again", "boot-opened,rescue,block", "staged", "before-swap",
          "boot-opened,staged"]


def fresh():
    for d in (STATE, STATE + ".real", ETC, HERE + "/moved"):
        if os.path.islink(d) or os.path.isfile(d) or os.path.exists(d) and not os.path.isdir(d):
            os.unlink(d)
        shutil.rmtree(d, ignore_errors=True)
    shutil.copytree(SOUND, STATE)
    os.mkdir(ETC, 0o755)
    nft("flush", "ruleset")


def hooks():
    found = {}
    for o in json.loads(nft("-j", "list", "ruleset"))["nftables"]:
        c = o.get("chain", {})
        # what stands before routing only takes out, and is no end of the way
        if c.get("table") == "fwc" and c.get("type") == "filter" and c["hook"] != "prerouting":
            found[c["hook"]] = c.get("policy")
        if "table" in o and "dormant" in str(o["table"].get("flags", "")):
            return "dormant"
    return found


def let_in():
    """The sources of rules of the input hook that accept tcp port 22, in order."""
    found = []
    for o in json.loads(nft("-j", "list", "table", "inet", "fwc"))["nftables"]:
        text = json.dumps(o.get("rule", {}).get("expr", ""))
        if '"dport"' not in text or '"right": 22' not in text:
            continue
        source = [m["match"]["right"] for m in o["rule"]["expr"]
                  if m.get("match", {}).get("left", {}).get("payload", {}).get("field") == "saddr"]
        for s in source or ["any"]:
            for p in s["set"] if isinstance(s, dict) and "set" in s else [s]:
                found.append("%s/%d" % (p["prefix"]["addr"], p["prefix"]["len"]) if isinstance(p, dict) else p)
    return sorted(set(found))


def cell(name, store, conf, before="nothing", fault="", **kw):
    fresh()
    STORE[store]()
    make, want = CONFS[conf]
    if callable(make):
        make()
    elif make is not None:
        open(CONF, "wb").write(make if isinstance(make, bytes) else make.encode())
    if BEFORE[before]:
        nft("-f", "-", text=BEFORE[before])
    try:
        r = fwc("boot", env={"FWC_FAULT": fault}, timeout=120, **kw)
        rc, said = r.returncode, r.stderr
    except subprocess.TimeoutExpired:
        rc, said = "late", ""
    shut = hooks()
    ok = shut == {"input": "drop", "forward": "drop", "output": "drop"} and rc == 3
    if ok and not fault and want is not None:
        ok = let_in() == want
    if ok and not kw and conf not in ("none", "fine", "empty", "no directory", "all, as wanted", "one network twice", "a link of root's",
                           "networks within each other", "odd addresses", "IPv4 within IPv6"):
        ok = "boot.conf" in said.replace("and what boot.conf names", "")
    counts[ok] += 1
    if not ok:
        print("not ok: %s: store: %s; boot.conf: %s; before: %s; fault: %s; exit status %s; hooks %s\n%s" % (
            name, store, conf, before, fault, rc, shut, said))


def product(one, other):
    for i, a in enumerate(one):
        for j, b in enumerate(other):
            if ALL or not i or not j or (i * 7 + j * 3) % 23 == 0:
                yield a, b


def lock_held():
    fresh()
    holder = subprocess.Popen(["flock", os.path.join(STATE, "lock"), "cat"], stdin=subprocess.PIPE)
    while subprocess.run(["flock", "-n", os.path.join(STATE, "lock"), "true"], check=False).returncode == 0:
        pass
    r = fwc("boot", timeout=60)  # fwc(8): it waits five seconds
    ok = r.returncode == 3 and hooks() == {"input": "drop", "forward": "drop", "output": "drop"} and "at work" in r.stderr
    holder.communicate()
    counts[ok] += 1
    if not ok:
        print("not ok: the lock is held: %s %s" % (r, hooks()))


def no_listener():
    """Closed descriptors, and a reader of the messages that is gone."""
    for closed in ("<&-", ">&-", "2>&-", "<&- >&-", "<&- 2>&-", ">&- 2>&-", "<&- >&- 2>&-", "2>&1 | true"):
        fresh()
        STORE["nothing"]()
        open(CONF, "w").write("ssh-from %s\n" % OFFICE)
        subprocess.run(["sh", "-c", 'exec_() { "$@"; }; exec_ "$@" ' + closed, "sh", FWC, "--netns", NS, "--state", STATE,
                        "--config", ETC + "/firewall.fwc", "boot"], check=False, capture_output=True, timeout=120)
        ok = hooks() == {"input": "drop", "forward": "drop", "output": "drop"} and let_in() == [OFFICE]
        counts[ok] += 1
        if not ok:
            print("not ok: closed: %s: %s" % (closed, hooks()))


def main():
    os.umask(0o022)
    fresh_first()
    for store, conf in product(STORE, CONFS):
        cell("damage", store, conf)
    for before in BEFORE:
        for conf in ("none", "host bits"):
            cell("what was there", "nothing", conf, before=before)
    for fault in FAULTS:
        for before in BEFORE if ALL else ("nothing", "chains of another kind"):
            cell("on the way", "both empty", "fine", before=before, fault=fault)
    for limit in (40, 64, 100) if ALL else (64,):
        cell("few descriptors", "both empty", "host bits", preexec_fn=lambda n=limit: few(n))
    lock_held()
    no_listener()
    print("%d passed, %d failed" % (counts[True], counts[False]))
    sys.exit(counts[False] > 0)


def few(n):
    import resource
    resource.setrlimit(resource.RLIMIT_NOFILE, (n, n))


def fresh_first():
    """A store as it is after an apply."""
    os.makedirs(STATE, 0o700)
    os.makedirs(ETC, 0o755)
    policy = os.path.join(HERE, "p.fwc")
    with open(policy, "w", encoding="utf-8") as f:
        f.write("allow any -> self tcp/22, tcp/80\nallow self -> any\n")
    for words in (("compile", policy), ("apply",)):
        r = fwc(*words)
        if r.returncode:
            sys.exit("fwc %s: %s" % (words[0], r.stderr))
    os.rename(STATE, SOUND)


main()
