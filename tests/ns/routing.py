#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Where packets go, by the kernel and by fwc's model of it (src/policy/routing.h).

    routing.py SEED FWC DIRECTORY

A router gets zones at random whose networks lie in each other, addresses of its own among them, and a
dnat for each of many targets. One SYN for each is sent through it, and noted where the kernel takes
it. Then two policies are proved: one that lets each packet go just there, with `expect allow`, and one
that lets it go everywhere else, with `expect drop`.
"""

import ipaddress
import json
import os
import random
import subprocess
import sys

SEED, FWC, DIRECTORY = int(sys.argv[1]), sys.argv[2], sys.argv[3]
TARGETS = 40
ZONES = ['za', 'zb', 'zc', 'zd', 'ze']
random.seed(SEED)
ROUTER, OUTSIDE = (f'{os.environ["LAB"]}-{name}{SEED}' for name in ('router', 'outside'))


def run(*words, **more):
    done = subprocess.run(words, capture_output=True, text=True, **more)
    if done.returncode:
        sys.exit(f'{" ".join(words)}: {done.stderr}{done.stdout}')
    return done.stdout


def inside(net):
    return net[random.randrange(1, min(net.num_addresses, 1 << 60))]


def networks(root, deepest):
    """Networks within each other and beside each other, each once, with a zone each."""
    nets = {root: random.choice(ZONES)}
    for _ in range(9):
        around = random.choice(list(nets))
        longer = random.randint(1, 6)
        if around.prefixlen + longer <= deepest:
            address = int(inside(around))
            net = ipaddress.ip_network((address, around.prefixlen + longer), strict=False)
            nets.setdefault(net, random.choice(ZONES))
    return nets


def world():
    nets, targets, own = {}, [], []
    for root, deepest in (('10.0.0.0/8', 28), ('fd00::/16', 112)):
        some = networks(ipaddress.ip_network(root), deepest)
        nets.update(some)
        for i in range(TARGETS // 2):
            address = inside(random.choice(list(some)))
            targets.append(address)
            if i % 5 == 0:
                own.append(address)
    return nets, targets, own


def wire(nets, own):
    for name in (ROUTER, OUTSIDE):
        run('ip', 'netns', 'add', name)
        run('ip', '-n', name, 'link', 'set', 'lo', 'up')
    run('ip', 'netns', 'exec', ROUTER, 'sysctl', '-qw', 'net.ipv4.ip_forward=1',
        'net.ipv6.conf.all.forwarding=1', 'net.ipv4.conf.all.rp_filter=0',
        'net.ipv4.conf.default.rp_filter=0')
    run('ip', '-n', ROUTER, 'link', 'add', 'wan', 'type', 'veth', 'peer', 'name', 'eth0', 'netns',
        OUTSIDE)
    lines = [f'link add name {z} type veth peer name {z}-far\nlink set {z} up\nlink set {z}-far up' for z in ZONES] + [
        'link set wan up', 'addr add 198.51.100.1/24 dev wan', 'addr add 2001:db8::1/64 dev wan nodad']
    lines += [f'addr add {a} dev lo' for a in own]
    lines += [f'route add {net} dev {zone}' for net, zone in nets.items()]
    run('ip', '-n', ROUTER, '-b', '-', input='\n'.join(lines))
    run('ip', '-n', OUTSIDE, '-b', '-', input='link set eth0 up\naddr add 198.51.100.9/24 dev eth0\n'
        'addr add 2001:db8::9/64 dev eth0 nodad')


def policy(nets, targets, rules, expects, said=()):
    lines = ['forwarding on', 'zone wan { interface wan }']
    for zone in ZONES:
        held = [str(n) for n, z in nets.items() if z == zone]
        net = 'network ' + ', '.join(held) if held else ''
        lines.append(f'zone {zone} {{ interface {zone}; {net} }}')
    lines += [f'allow wan -> {a}@self tcp/9' for a in said]
    lines += [f'dnat wan -> self tcp/{1000 + i} to {t}' for i, t in enumerate(targets)]
    return '\n'.join(lines + rules + expects) + '\n'


WATCH = """
table inet watch {
	set on { type inet_service . ifname; flags dynamic; size 4096; }
	set in { type inet_service; flags dynamic; size 4096; }
	chain forward {
		type filter hook forward priority -10
		tcp dport 1000-1999 add @on { tcp dport . oifname }
	}
	chain input {
		type filter hook input priority -10
		iifname wan tcp dport 1000-1999 add @in { tcp dport }
	}
}
"""

SEND = """
import socket, sys
for i, family in enumerate(sys.argv[1:]):
    s = socket.socket(socket.AF_INET if family == '4' else socket.AF_INET6)
    s.setblocking(False)
    s.connect_ex(('198.51.100.1' if family == '4' else '2001:db8::1', 1000 + i))
"""


def where(targets):
    """index -> the zone that the kernel sent it to, or 'self'."""
    run('ip', 'netns', 'exec', ROUTER, 'nft', '-f', '-', input=WATCH)
    for address in ('198.51.100.1', '2001:db8::1'):        # neighbours know each other from here on
        run('ip', 'netns', 'exec', OUTSIDE, 'ping', '-qc1', '-w10', address)
    run('ip', 'netns', 'exec', OUTSIDE, 'python3', '-c', SEND, *(str(t.version) for t in targets))
    found = {}
    listing = json.loads(run('ip', 'netns', 'exec', ROUTER, 'nft', '-j', 'list', 'table', 'inet',
                             'watch'))
    for item in listing['nftables']:
        for element in item.get('set', {}).get('elem', []):
            port, place = element['concat'] if isinstance(element, dict) else (element, 'self')
            found[port - 1000] = place
    return found


def prove(name, text, *options):
    path = os.path.join(DIRECTORY, name)
    with open(path, 'w', encoding='utf-8') as f:
        f.write(text)
    done = subprocess.run([FWC, '--netns', ROUTER, 'test', *options, path], capture_output=True,
                          text=True)
    print(f'seed {SEED}, {name}: {done.stdout.strip()}')
    if done.returncode:
        sys.exit(f'{done.stderr}\n{text}')


def main():
    nets, targets, own = world()
    wire(nets, own)
    path = os.path.join(DIRECTORY, f'ping-{SEED}.fwc')
    with open(path, 'w', encoding='utf-8') as f:
        f.write(policy(nets, targets, ['allow any -> self ping', 'allow self -> any'], []))
    fwc = [FWC, '--netns', ROUTER, '--state', os.path.join(DIRECTORY, f'state-{SEED}')]
    run(*fwc, 'compile', path)
    run(*fwc, 'apply', '--no-confirm')
    found = where(targets)
    assert sorted(found) == list(range(len(targets))), found
    expect = {'allow': [], 'drop': []}
    rules = {'allow': [], 'drop': []}
    for i, target in enumerate(targets):
        family = '0.0.0.0/0' if target.version == 4 else '::/0'
        port = f'tcp/{1000 + i}'
        for verb in expect:
            places = [z for z in [*ZONES, 'self'] if (z == found[i]) == (verb == 'allow')]
            rules[verb].append(f'allow wan -> {", ".join(places)} {port}')
            # of the other family nothing is translated: said of this one only
            expect[verb].append(f'expect {verb} {family}@wan -> self {port}')
    for verb in expect:
        prove(f'{verb}-{SEED}.fwc', policy(nets, targets, rules[verb], expect[verb]))
        prove(f'{verb}-said-{SEED}.fwc', policy(nets, targets, rules[verb], expect[verb], own),
              '--elsewhere')


try:
    main()
finally:
    for name in (ROUTER, OUTSIDE):
        subprocess.run(['ip', 'netns', 'del', name], check=False, capture_output=True)
