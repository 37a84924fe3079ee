# SPDX-License-Identifier: GPL-2.0-or-later
"""Rulesets that somebody altered by hand, in ways that no compiler of ours would.

What the engine does not know it must not pass over.  Each case: what is done to the loaded table, and
whether the engine may call the result equal.  "different" where a packet shows it, "no" where it is
enough that it is not called equal, "equal" where nothing changed for any packet.
"""

import json
import re

import engine
import kernel
import listing
import meaning
from selftest import in_child

# {NAME} is the chain that is called NAME and a hash; {input} and the like are base chains.
CASES = [
    ('a rule of everything in front', 'different', 'insert rule inet fwc input accept'),
    ('a harmless counter in front', 'equal', 'insert rule inet fwc input counter'),
    ('a rule that nothing reaches', 'equal', 'add rule inet fwc forward ip saddr 10.0.0.1 accept'),
    ('a base chain that drops before', 'different',
     'add chain inet fwc mine {{ type filter hook forward priority -5; }}\n'
     'add rule inet fwc mine tcp dport 80 drop'),
    ('a base chain that drops behind', 'different',
     'add chain inet fwc mine {{ type filter hook forward priority 5; policy drop; }}'),
    ('a base chain that accepts behind', 'equal',
     'add chain inet fwc mine {{ type filter hook forward priority 5; policy accept; }}\n'
     'add rule inet fwc mine tcp dport 80 accept'),
    ('a base chain that accepts before', 'equal',
     'add chain inet fwc mine {{ type filter hook forward priority -5; policy accept; }}\n'
     'add rule inet fwc mine accept'),
    ('a base chain at a hook that was free', 'no',
     'add chain inet fwc mine {{ type filter hook prerouting priority -300; }}\n'
     'add rule inet fwc mine tcp dport 80 drop'),
    ('a route chain', 'no', 'add chain inet fwc mine {{ type route hook output priority 0; }}\n'
     'add rule inet fwc mine tcp dport 80 drop'),
    ('another translation first', 'different',
     'add chain inet fwc mine {{ type nat hook prerouting priority -110; }}\n'
     'add rule inet fwc mine iifname "ppp0" tcp dport 443 dnat ip to 192.168.1.77'),
    ('translation at input', 'no', 'add chain inet fwc mine {{ type nat hook input priority 100; }}\n'
     'add rule inet fwc mine ip daddr 192.168.1.1 snat ip to 192.168.1.9'),
    ('translation, and a rule behind it that was before', 'no',
     'add chain inet fwc mine {{ type filter hook prerouting priority -90; }}\n'
     'add rule inet fwc mine accept'),
    ('a rule about connections before there are any', 'no',
     'add chain inet fwc mine {{ type filter hook prerouting priority -250; }}\n'
     'add rule inet fwc mine ct state established accept'),
    ('a chain of output before there are connections', 'no',
     'add chain inet fwc mine {{ type filter hook output priority -250; }}\n'
     'add rule inet fwc mine accept'),
    ('a dormant table', 'no', 'add table inet fwc {{ flags dormant; }}'),
    ('a flow table', 'no',
     'add flowtable inet fwc f {{ hook ingress priority 0; devices = {{ lo }}; }}\n'
     'insert rule inet fwc forward tcp dport 80 flow add @f'),
    ('queue', 'no', 'insert rule inet fwc forward tcp dport 80 queue num 1'),
    ('queue with bypass', 'no', 'insert rule inet fwc forward tcp dport 80 queue num 1 bypass'),
    ('notrack', 'no', 'add chain inet fwc mine {{ type filter hook prerouting priority -300; }}\n'
     'add rule inet fwc mine tcp dport 80 notrack'),
    ('a mark is set', 'no', 'insert rule inet fwc forward tcp dport 80 meta mark set 7'),
    ('a mark of the connection is set', 'no',
     'insert rule inet fwc forward tcp dport 80 ct mark set 7'),
    ('the target address is overwritten', 'no',
     'insert rule inet fwc forward tcp dport 80 ip daddr set 10.9.9.9'),
    ('another reject', 'different', 'insert rule inet fwc forward tcp dport 80 reject'),
    ('another ICMP error', 'different',
     'insert rule inet fwc forward udp dport 80 reject with icmpx host-unreachable'),
    ('a rule about a rate over', 'different',
     'insert rule inet fwc forward limit rate over 10/second drop'),
    ('a quota', 'no', 'insert rule inet fwc forward quota over 10 mbytes drop'),
    ('a number of connections', 'no', 'insert rule inet fwc forward ct count over 5 drop'),
    ('the ICMP of the other family', 'different',
     'insert rule inet fwc forward meta nfproto ipv6 icmp type 8 accept'),
    ('the ICMP of the other family, by its addresses', 'different',
     'insert rule inet fwc forward ip6 saddr fd00::/8 icmp type 8 accept'),
    ('ICMPv6 within IPv4', 'different',
     'insert rule inet fwc forward meta nfproto ipv4 icmpv6 type 128 accept'),
    ('ICMPv6 within IPv4, behind a match that may not be understood', 'no',
     'insert rule inet fwc {lan-wan} ip saddr > 192.168.1.10 icmpv6 type 128 drop\n'
     'insert rule inet fwc {lan-wan} meta nfproto ipv6 accept'),
    ('a protocol by the IPv4 header', 'no', 'insert rule inet fwc forward ip protocol gre accept'),
    ('a protocol by the IPv6 header', 'no', 'insert rule inet fwc forward ip6 nexthdr gre accept'),
    ('a field nobody reads', 'no', 'insert rule inet fwc forward ip ttl 7 accept'),
    ('raw bytes', 'no', 'insert rule inet fwc forward @th,16,16 80 accept'),
    ('an interface by number', 'no', 'insert rule inet fwc input iif lo drop'),
    ('no interface by number', 'different', 'insert rule inet fwc output iif 0 drop'),
    ('an interface by number, sent to', 'no', 'insert rule inet fwc output oif lo drop'),
    ('an interface out of a set of numbers', 'no', 'insert rule inet fwc input iif {{ lo, 77 }} drop'),
    ('a group of interfaces', 'no', 'insert rule inet fwc forward iifgroup 1 accept'),
    ('addresses in lexical order', 'different',
     'insert rule inet fwc forward ip saddr > 10.0.0.1 accept'),
    ('all but ports', 'different',
     'insert rule inet fwc forward tcp dport != {{ 80, 443 }} ct state new accept'),
    ('a state as a set', 'different',
     'insert rule inet fwc forward ct state {{ new, untracked }} ip daddr 10.9.9.9 accept'),
    ('a state that is none', 'equal',
     'insert rule inet fwc forward ct state 0x10 ip daddr 10.9.9.9 accept'),
    ('all flags of TCP set', 'different',
     'insert rule inet fwc forward tcp flags == 0xff ip daddr 10.9.9.9 accept'),
    ('a map of two fields', 'different',
     'insert rule inet fwc forward ip saddr . tcp dport vmap {{ 10.0.0.0/8 . 80-90 : accept }}'),
    ('elements that cross, the second of them first in the alphabet', 'different',
     'insert rule inet fwc {lan-wan} ip saddr 192.168.1.9 ip daddr 8.8.8.8 drop\n'
     'insert rule inet fwc {lan-wan} ip saddr . ip daddr vmap '
     '{{ 192.168.1.9 . 8.8.8.0/24 : continue, 192.168.1.0/24 . 8.8.8.8 : accept }}'),
    ('a map that says continue', 'equal',
     'insert rule inet fwc forward tcp dport vmap {{ 80 : continue, 81 : continue }}'),
    ('a jump to nothing', 'equal',
     'add chain inet fwc nothing\ninsert rule inet fwc forward tcp dport 80 jump nothing'),
    ('a goto to nothing', 'different',
     'add chain inet fwc nothing\ninsert rule inet fwc forward ip daddr 10.9.9.9 jump nothing\n'
     'insert rule inet fwc forward tcp dport 80 goto {lan-wan}'),
    ('a rule behind the last one of a base chain', 'equal',
     'add rule inet fwc input tcp dport 22 accept'),
    ('an element less', 'different', 'delete element inet fwc {from} {{ "ppp0" }}'),
    ('a chain emptied', 'different', 'flush chain inet fwc {lan-wan}'),
    ('an address of another family in a map', 'different',
     'add rule inet fwc {lan-lan} ip6 daddr vmap {{ ::/0 : accept }}'),
    ('the policy of a chain', 'equal', 'add chain inet fwc input {{ policy accept; }}'),
    ('masquerade, but random', 'no',
     'insert rule inet fwc postrouting-nat oifname "ppp0" ip saddr 192.168.1.0/24 masquerade random'),
    ('redirect without a port', 'different',
     'insert rule inet fwc prerouting-nat tcp dport 80 redirect'),
    ('one of several at random', 'no', 'insert rule inet fwc prerouting-nat tcp dport 80 dnat ip to '
     'numgen random mod 2 map {{ 0 : 10.0.0.1, 1 : 10.0.0.2 }}'),
    ('one address by the port', 'no', 'insert rule inet fwc prerouting-nat meta l4proto tcp dnat ip to '
     'tcp dport map {{ 80 : 10.0.0.1, 81 : 10.0.0.2 }}'),
    ('a helper', 'no', 'add ct helper inet fwc ftp {{ type "ftp" protocol tcp; }}\n'
     'insert rule inet fwc forward tcp dport 21 ct helper set "ftp"'),
    ('a synproxy', 'no', 'insert rule inet fwc forward tcp dport 80 synproxy mss 1460 wscale 7'),
    ('a trace', 'no', 'insert rule inet fwc forward meta nftrace set 1'),
    ('the class of a packet', 'no', 'insert rule inet fwc forward ip dscp set cs1'),
    ('an address added to a set that decides', 'equal', 'add set inet fwc extra {{ type ipv4_addr; }}'),
    ('the length of a packet', 'no', 'insert rule inet fwc forward ip saddr 10.0.0.0/8 ip length > 100 drop'),
]
HARMLESS = {'a trace'}          # of "no": no packet's fate changes, so "equal" is right as well


def named(text, edit):
    """The edit with the names of chains and sets as they are loaded."""
    names = {}
    for o in json.loads(text)['nftables']:
        for kind in ('chain', 'map', 'set'):
            if kind in o:
                name = o[kind]['name']
                names[re.sub(r'\.[0-9a-f]{12}$', '', name)] = name
    return re.sub(r'\{([a-z.-]+)\}', lambda m: names[m[1]], edit.replace('{{', '\0').replace('}}', '\1')) \
        .replace('\0', '{').replace('\1', '}')


def opinion(bench, original, text):
    """What the oracle says: equal, different, or unknown."""
    try:
        found = meaning.Meaning().compare(original, bench.table(text))
    except listing.Unsupported as e:
        return f'unknown ({e})'
    return 'different' if found else 'equal'


def case(bench, policy, script, text, original, name, expected, edit):
    """(what, passed or None, lines)"""
    what = f'drift: {name}'
    _, error = bench.kernel.run('add table inet fwc\ndelete table inet fwc\n' + script)
    _, refused = bench.kernel.run(named(text, edit))
    if error or refused:
        return what, None, [(error or refused).splitlines()[0]]
    altered, _ = bench.kernel.run('list table inet fwc', kernel.LIST_FLAGS)
    oracle, answer = opinion(bench, original, altered), bench.prove(policy)
    lines = [f'    oracle: {oracle}'] + [f'    engine: {line}' for line in answer.text.splitlines()]
    if oracle in ('equal', 'different') and expected in ('equal', 'different') and oracle != expected:
        return what + ' (the oracle is wrong)', False, lines
    good = {'equal': answer.said in ('equal', 'different', 'not proved'),
            'different': answer.said == 'different',
            'no': answer.said in ('different', 'not proved') or name in HARMLESS}[expected]
    if expected == 'equal' and answer.said != 'equal':
        lines.append(f'note: {what}: not called equal, which it is')
    return what, good, lines if not good else lines[-1:] if 'note' in lines[-1] else []


def run(fwc, policy):
    prover = engine.find()
    if not prover:
        return [('drift: the proof engine is not built', None, [])]

    def child():
        import mutation
        bench = mutation.Bench(fwc, prover)
        script, _ = bench.compile(policy)
        text, error = bench.kernel.listing(script)
        if error:
            return [('drift: the policy is loaded', False, [error])]
        original = bench.table(text)
        return [case(bench, policy, script, text, original, *c) for c in CASES]
    return in_child(child)
