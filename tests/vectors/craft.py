#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Makes first messages of clients, with code that has nothing in common with src/inspect/: vectors.h
for the unit tests, seeds for the fuzz targets, and captures (in fuzz/corpus/capture). Run by hand (needs python3-cryptography); what it
writes is kept, so that the tests need neither.

  tests/vectors/craft.py

The QUIC packets are checked against the bytes that RFC 9001 A.2 and RFC 9369 A.2 print before anything
is written, so that a mistake here cannot agree with one there; so are fingerprints (JA4) against those that
FoxIO publishes, of the example in its "JA4: TLS Client Fingerprinting" and of captures beside it."""
import hashlib
import os
import socket
import struct

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hmac import HMAC

HERE = os.path.dirname(os.path.abspath(__file__))
CORPUS = os.path.join(HERE, "..", "fuzz", "corpus")

# What OpenSSL 3.0.19 sends for www.example.org with ALPN h2, http/1.1.
OPENSSL = bytes.fromhex(
    "1603010200010001fc0303e5f91231b1db7433588da1d7d88e3fbdee10342f8e667e095f5b5f3e70673523206f093b0d4e"
    "2bccad02c2384274fd393ea81d7602834ace9836eea8e7300c02930024130213031301c02cc030c02bc02fcca9cca8c024"
    "c028c023c027009f009e006b006700ff0100018f00000014001200000f7777772e6578616d706c652e6f7267000b000403"
    "000102000a00160014001d0017001e0019001801000101010201030104002300000010000e000c02683208687474702f31"
    "2e310016000000170000000d002a0028040305030603080708080809080a080b0804080508060401050106010303030103"
    "02040205020602002b00050403040303002d00020101003300260024001d002005b48d4482cb96363cfb0e8c5a661f4273"
    "73f22a126d9cace36fc0c133090055001500cc") + bytes(204)
# The ClientHello of RFC 8448 3: server name "server".
RFC8448 = bytes.fromhex(
    "010000c00303cb34ecb1e78163ba1c38c6dacb196a6dffa21a8d9912ec18a2ef6283024dece70000061301130313020100"
    "00910000000b0009000006736572766572ff01000100000a00140012001d00170018001901000101010201030104002300"
    "00003300260024001d002099381de560e4bd43d23d8e435a7dbafeb3c06e51c13cae4d5413691e529aaf2c002b00030203"
    "04000d0020001e040305030603020308040805080604010501060102010402050206020202002d00020101001c00024001")
# The CRYPTO frame of RFC 9001 A.2: server name "example.com".
RFC9001 = bytes.fromhex(
    "060040f1010000ed0303ebf8fa56f12939b9584a3896472ec40bb863cfd3e86804fe3a47f06a2b69484c00000413011302"
    "010000c000000010000e00000b6578616d706c652e636f6dff01000100000a00080006001d001700180010000700050461"
    "6c706e000500050100000000003300260024001d00209370b2c9caa47fbabaf4559fedba753de171fa71f50f1ce15d43e9"
    "94ec74d748002b0003020304000d0010000e0403050306030203080408050806002d00020101001c000240010039003204"
    "08ffffffffffffffff05048000ffff07048000ffff0801100104800075300901100f088394c8f03e51570806048000ffff")


# ---- TLS ----

def extension(number, body):
    return struct.pack("!HH", number, len(body)) + body


def server_name(name):
    return extension(0, struct.pack("!HBH", len(name) + 3, 0, len(name)) + name)


def hello(extensions, session=b"", ciphers=(0x1301, 0x1302, 0x1303)):
    body = (b"\x03\x03" + bytes(range(32)) + bytes([len(session)]) + session + words(ciphers) + b"\x01\x00")
    if extensions is not None:
        joined = b"".join(extensions)
        body += struct.pack("!H", len(joined)) + joined
    return b"\x01" + struct.pack("!I", len(body))[1:] + body


def words(numbers, width=2):
    """A list of numbers of 16 bits behind its length in bytes."""
    return (2 * len(numbers)).to_bytes(width, "big") + b"".join(struct.pack("!H", n) for n in numbers)


def alpn(*protocols):
    joined = b"".join(bytes([len(p)]) + p for p in protocols)
    return extension(16, struct.pack("!H", len(joined)) + joined)


def records(message, size=16384, kind=22):
    out = b""
    for i in range(0, len(message), size):
        piece = message[i:i + size]
        out += struct.pack("!BHH", kind, 0x0301, len(piece)) + piece
    return out


X25519 = extension(51, struct.pack("!HHH", 36, 29, 32) + bytes(32))
# X25519MLKEM768 and X25519 together, as browsers send them: 1216 + 32 bytes of keys.
HYBRID = extension(51, struct.pack("!HHH", 1216 + 4 + 36, 0x11ec, 1216) + bytes(x & 255 for x in range(1216)) +
                   struct.pack("!HH", 29, 32) + bytes(32))
ALPN = extension(16, b"\x00\x0c\x02h2\x08http/1.1")
ECH = extension(0xfe0d, b"\x00" + b"\x00\x01\x00\x01" + b"\x07" + struct.pack("!H", 32) + bytes(32) +
                struct.pack("!H", 144) + bytes(144))
SHUFFLED = [extension(0x2a2a, b""), ALPN, HYBRID, extension(43, b"\x02\x03\x04"), extension(21, bytes(200)),
            server_name(b"WWW.Example.ORG"), extension(13, b"\x00\x02\x04\x03")]


# ---- JA4 ----

def is_grease(n):
    return n & 0x0f0f == 0x0a0a and n >> 8 == n & 0xff


def numbers(data):
    return [n for n in struct.unpack("!%dH" % (len(data) // 2), data) if not is_grease(n)]


def ja4(message, transport="t"):
    """Of a ClientHello without records."""
    at = 38
    at += 1 + message[at]
    length = int.from_bytes(message[at:at + 2], "big")
    ciphers = numbers(message[at + 2:at + 2 + length])
    at += 2 + length
    at += 1 + message[at] + 2
    extensions = []
    while at < len(message):
        kind, length = struct.unpack("!HH", message[at:at + 4])
        extensions.append((kind, message[at + 4:at + 4 + length]))
        at += 4 + length
    body = dict(reversed(extensions))
    kinds = [kind for kind, _ in extensions if not is_grease(kind)]
    version = max(numbers(body[43][1:])) if 43 in body else int.from_bytes(message[4:6], "big")
    signatures = numbers(body[13][2:]) if 13 in body else []
    protocols, rest = [], body.get(16, b"\0\0")[2:]
    while rest:
        protocols.append(rest[1:1 + rest[0]])
        rest = rest[1 + rest[0]:]
    protocols = [p for p in protocols if len(p) != 2 or not is_grease(int.from_bytes(p, "big"))]
    ends = "00"
    if protocols and protocols[0]:
        first = protocols[0].decode("latin-1")
        if not all(c.isascii() and c.isalnum() for c in (first[0], first[-1])):
            first = protocols[0].hex()
        ends = first[0] + first[-1]

    def digest(text):
        return hashlib.sha256(text.encode()).hexdigest()[:12] if text else "0" * 12

    listed = ",".join("%04x" % n for n in sorted(k for k in kinds if k not in (0, 16)))
    if signatures:
        listed += "_" + ",".join("%04x" % n for n in signatures)
    return "%s%s%s%02d%02d%s_%s_%s" % (
        transport, {0x304: "13", 0x303: "12", 0x302: "11", 0x301: "10", 0x300: "s3"}.get(version, "00"),
        "d" if 0 in kinds else "i", min(99, len(ciphers)), min(99, len(kinds)), ends,
        digest(",".join("%04x" % n for n in sorted(ciphers))), digest(listed))


BROWSER = [0x8a8a, 0x1301, 0x1302, 0x1303, 0xc02b, 0xc02f, 0xc02c, 0xc030, 0xcca9, 0xcca8, 0xc013, 0xc014, 0x009c,
           0x009d, 0x002f, 0x0035]


def listed(kinds, signatures, *protocols):
    """Extensions of these kinds, of which those that are looked into have something in them."""
    known = {0: server_name(b"www.example.org"), 13: extension(13, words(signatures)), 16: alpn(*protocols),
             43: extension(43, words([0x5a5a, 0x0304, 0x0303], 1))}
    return [known.get(kind) or extension(kind, b"") for kind in kinds]


def fingerprinted():
    """Name, message, the published fingerprint."""
    signatures = [0x0403, 0x0804, 0x0401, 0x0503, 0x0805, 0x0501, 0x0806, 0x0601]
    kinds = [0x2a2a, 0x001b, 0, 0x0033, 16, 0x4469, 0x0017, 0x002d, 13, 5, 0x0023, 0x0012, 43, 0xff01, 0x000b,
             0x000a, 0xdada, 0x0015]
    yield ("ja4_example", hello(listed(kinds, signatures, b"h2", b"http/1.1"), ciphers=BROWSER),
           "t13d1516h2_8daaf6152771_e5627efa2ab1")
    yield ("ja4_unsigned", hello(listed(kinds, [], b"h2"), ciphers=BROWSER),
           "t13d1516h2_8daaf6152771_6d807ffa2a79")
    # sigalg-grease.pcapng
    yield ("ja4_signatures", hello(listed(
        [0x6a6a, 0xfe0d, 16, 0x0017, 0x0033, 0x44cd, 0xff01, 0x000a, 13, 0x0023, 43, 0x000b, 0xca34, 0x002d, 0, 5, 0x001b,
         0x0012, 0x7a7a], [0x3a3a, 0x0904, 0x0905, 0x0906] + signatures, b"h2"), ciphers=BROWSER),
           "t13d1517h2_8daaf6152771_cb7bf5808d99")
    # chrome-cloudflare-quic-with-secrets.pcapng
    yield ("quic_ja4", hello(listed([0x1a1a, 0x000a, 13, 0x001b, 43, 0x002d, 0x0033, 0x0039, 0x4469, 0, 16, 0x4a4a],
                                    signatures + [0x0201], b"h3")), "q13d0310h3_55b375c5d22e_cd85d2d88918")


def check_ja4():
    for name, message, published in fingerprinted():
        assert ja4(message, published[0]) == published, (name, ja4(message, published[0]), published)


# ---- QUIC ----

SALTS = {1: bytes.fromhex("38762cf7f55934b34d179ae6a4c80cadccbb7f0a"),
         2: bytes.fromhex("0dede3def700a6db819381be6e269dcbf9bd2ed9")}
VERSIONS = {1: 1, 2: 0x6b3343cf}


def hmac(key, data):
    h = HMAC(key, hashes.SHA256())
    h.update(data)
    return h.finalize()


def expand_label(secret, label, length):
    label = b"tls13 " + label
    info = struct.pack("!HB", length, len(label)) + label + b"\x00"
    return hmac(secret, info + b"\x01")[:length]


def client_keys(version, cid):
    prefix = b"quic" if version == 1 else b"quicv2"
    secret = expand_label(hmac(SALTS[version], cid), b"client in", 32)
    return (expand_label(secret, prefix + b" key", 16), expand_label(secret, prefix + b" iv", 12),
            expand_label(secret, prefix + b" hp", 16))


def varint(n):
    if n < 64:
        return bytes([n])
    if n < 16384:
        return struct.pack("!H", n | 0x4000)
    return struct.pack("!I", n | 0x80000000)


def initial(frames, version=1, cid=bytes.fromhex("8394c8f03e515708"), scid=b"", token=b"", number=2, width=4,
            keys_of=None, size=1200, bit=0x40):
    """An Initial packet, padded with PADDING frames so that it is `size` bytes long."""
    key, iv, hp = client_keys(version, keys_of or cid)
    kind = 0 if version == 1 else 1
    head = bytes([0x80 | bit | kind << 4 | width - 1]) + struct.pack("!I", VERSIONS[version])
    head += bytes([len(cid)]) + cid + bytes([len(scid)]) + scid + varint(len(token)) + token
    room = size - len(head) - 2 - width - 16
    frames += bytes(max(0, room - len(frames)))
    head += struct.pack("!H", 0x4000 | width + len(frames) + 16)
    at = len(head)
    head += struct.pack("!I", number & 0xffffffff)[4 - width:]
    nonce = (int.from_bytes(iv, "big") ^ number).to_bytes(12, "big")
    sealed = AESGCM(key).encrypt(nonce, frames, head)
    sample = sealed[4 - width:20 - width]
    enc = Cipher(algorithms.AES(hp), modes.ECB()).encryptor()
    mask = enc.update(sample) + enc.finalize()
    out = bytearray(head + sealed)
    out[0] ^= mask[0] & 0x0f
    for i in range(width):
        out[at + i] ^= mask[1 + i]
    return bytes(out)


def crypto(offset, data):
    return b"\x06" + varint(offset) + varint(len(data)) + data


def check_quic():
    v1, v2 = initial(RFC9001), initial(RFC9001, version=2)
    assert client_keys(1, bytes.fromhex("8394c8f03e515708"))[0].hex() == "1f369613dd76d5467730efcbe3b1a22d"
    assert client_keys(2, bytes.fromhex("8394c8f03e515708"))[0].hex() == "8b1a0bc121284290a29e0971b5cd045d"
    for packet, first, last in (
            (v1, "c000000001088394c8f03e5157080000449e7b9aec34d1b1c98dd7689fb8ec11"
                 "d242b123dc9bd8bab936b47d92ec356c0bab7df5976d27cd449f63300099f399", "e221af44860018ab0856972e194cd934"),
            (v2, "d76b3343cf088394c8f03e5157080000449ea0c95e82ffe67b6abcdb4298b485"
                 "dd04de806071bf03dceebfa162e75d6c96058bdbfb127cdfcbf903388e99ad04", "a18b2faa745b6fe189cf772a9f84cbfc")):
        assert len(packet) == 1200 and packet.hex().startswith(first) and packet.hex().endswith(last)
    return v1, v2


def hybrid_datagrams():
    """A hello of post-quantum size over two datagrams, cut as browsers cut it: frames in no order."""
    message = hello(SHUFFLED, bytes(0))
    cuts = [0, 150, 700, 1000, 1030, len(message)]
    piece = [crypto(cuts[i], message[cuts[i]:cuts[i + 1]]) for i in range(5)]
    ping, padding = b"\x01", bytes(3)
    one = initial(piece[3] + ping + piece[0] + padding + piece[2], number=1, width=1)
    two = initial(piece[4] + ping + piece[1], number=2, width=1)
    # Later packets go to the connection id that the server chose; the keys stay.
    moved = initial(piece[4] + ping + piece[1], cid=bytes.fromhex("0102030405060708"),
                    keys_of=bytes.fromhex("8394c8f03e515708"), number=2, width=2)
    # An ACK frame and a Handshake packet in one datagram with the second Initial.
    ack = initial(b"\x02\x05\x00\x01\x02\x00\x01" + piece[4] + piece[1], number=3, width=3, size=900)
    handshake = b"\xe0" + struct.pack("!I", 1) + b"\x08" + bytes(8) + b"\x00" + varint(320) + bytes(320)
    return one, two, moved, handshake + ack


# ---- the others ----

def query(name, flags=0x0100, qtype=1, extra=b"", counts=(1, 0, 0, 0)):
    labels = b"".join(bytes([len(x)]) + x for x in name.split(b".") if x) + b"\x00"
    return struct.pack("!HHHHHH", 0x1234, flags, *counts) + labels + struct.pack("!HH", qtype, 1) + extra


def vectors():
    v1, v2 = check_quic()
    one, two, moved, mixed = hybrid_datagrams()
    yield "openssl_hello", OPENSSL
    yield "rfc8448_hello", records(RFC8448)
    yield "hybrid_hello", records(hello(SHUFFLED))
    yield "hybrid_small_records", records(hello(SHUFFLED), 100)
    yield "ech_hello", records(hello([server_name(b"public.example"), ECH, ALPN, X25519]))
    yield "nameless_hello", records(hello([ALPN, X25519]))
    yield "old_hello", records(hello(None))
    yield "address_hello", records(hello([server_name(b"192.0.2.1")]))
    for name, message, published in fingerprinted():
        yield name, records(message) if published[0] == "t" else initial(crypto(0, message))
    yield "bare_hello", records(hello(None, ciphers=[]))
    yield "grease_alpn", records(hello([alpn(b"\x0a\x0a", b"http/1.1", b"h2")]))
    for i, protocol in enumerate(ODD_ALPN):
        yield "odd_alpn_%d" % i, records(hello([alpn(protocol)]))
    yield "broken_alpn", records(hello([server_name(b"www.example.org"), extension(16, b"\x00\x03\x03h2")]))
    yield "two_alpn", records(hello([ALPN, ALPN]))
    yield "long_alpn", records(hello([alpn(*([b"x" * 100] * 5), b"h2")]))
    yield "many_ciphers", records(hello([], ciphers=range(1, 1200)))
    yield "quic_v1", v1
    yield "quic_v2", v2
    yield "quic_hybrid_1", one
    yield "quic_hybrid_2", two
    yield "quic_hybrid_2_moved", moved
    yield "quic_hybrid_2_mixed", mixed
    yield "quic_token", initial(RFC9001, token=bytes(100), cid=b"", scid=b"abcd", number=0, width=1, size=1250)
    yield "quic_other", initial(RFC9001, cid=bytes.fromhex("a0a1a2a3a4a5a6a7"))
    denied = hello([server_name(b"a.casino.example"), ALPN, X25519])
    other = bytes.fromhex("b0b1b2b3b4b5b6b7")
    yield "quic_denied", initial(crypto(0, denied), cid=other)
    yield "quic_denied_same_cid", initial(crypto(0, denied), number=4)
    yield "quic_denied_half", initial(crypto(0, denied[:40]), cid=other)
    yield "quic_denied_rest", initial(crypto(40, denied[40:]), cid=other, number=3)
    yield "quic_ack", initial(b"\x02\x05\x00\x01\x02", cid=bytes.fromhex("0102030405060708"), number=3,
                              keys_of=bytes.fromhex("8394c8f03e515708"))
    yield "quic_ack_same_cid", initial(b"\x02\x05\x00\x01\x02", number=3)
    yield "quic_handshake", b"\xe0" + struct.pack("!I", 1) + b"\x08" + bytes(8) + b"\x00" + varint(320) + bytes(320)
    yield "quic_no_bit", initial(RFC9001, bit=0)  # RFC 9287
    yield "quic_number_200", initial(crypto(0, RFC8448), number=200, width=1)
    yield "dns_query", query(b"WWW.Example.org", extra=b"\x00\x00\x29\x04\xd0\x00\x00\x00\x00\x00\x00",
                             counts=(1, 0, 0, 1))
    yield "dns_root", query(b"", qtype=2)


# What FoxIO's page says of the first and last characters: ab, ad, 3b, 3d, 01; of one letter, of none.
ODD_ALPN = (b"\xab", b"\xab\xcd", b"\x30\xab", b"\x30\x31\xab\xcd", b"\x30\xab\xcd\x31", b"x", b"")


def fingerprints():
    for name, message, published in fingerprinted():
        yield name, published
    for name, message in (("rfc8448_hello", RFC8448), ("openssl_hello", OPENSSL[5:]), ("hybrid_hello", hello(SHUFFLED)),
                          ("nameless_hello", hello([ALPN, X25519])), ("old_hello", hello(None))):
        yield name, ja4(message)
    yield "bare_hello", ja4(hello(None, ciphers=[]))
    yield "grease_alpn", ja4(hello([alpn(b"\x0a\x0a", b"http/1.1", b"h2")]))
    yield "quic_v1", ja4(RFC9001[4:], "q")
    for i, protocol in enumerate(ODD_ALPN):
        yield "odd_alpn_%d" % i, ja4(hello([alpn(protocol)]))


# ---- captures ----

def checksum(data):
    data += b"\x00" * (len(data) % 2)
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def ip(src, dst, proto, payload, more=False):
    if ":" in src:
        return (struct.pack("!IHBB", 6 << 28, len(payload), proto, 64) + socket.inet_pton(socket.AF_INET6, src) +
                socket.inet_pton(socket.AF_INET6, dst) + payload)
    head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(payload), 1, 0x2000 if more else 0, 64, proto, 0)
    head += socket.inet_aton(src) + socket.inet_aton(dst)
    return head[:10] + struct.pack("!H", checksum(head)) + head[12:] + payload


def tcp(src, dst, sport, dport, seq, flags, payload=b""):
    return ip(src, dst, 6, struct.pack("!HHIIBBHHH", sport, dport, seq & 0xffffffff, 0, 0x50, flags, 64240, 0, 0) +
              payload)


def udp(src, dst, sport, dport, payload):
    return ip(src, dst, 17, struct.pack("!HHHH", sport, dport, 8 + len(payload), 0) + payload)


def connection(src, dst, sport, dport, pieces, seq=1000, end=0x11):
    """SYN, SYN/ACK, then the pieces (offset, bytes), the server's reset or FIN of the client."""
    yield tcp(src, dst, sport, dport, seq - 1, 0x02)
    yield tcp(dst, src, dport, sport, 5000, 0x12)
    for offset, data in pieces:
        yield tcp(src, dst, sport, dport, seq + offset, 0x18, data)
    yield tcp(dst, src, dport, sport, 5001, 0x18, b"answer")
    if end:
        yield tcp(src, dst, sport, dport, seq + max([o + len(d) for o, d in pieces] or [0]), end)


def packets():
    lan, wan = "192.168.1.10", "203.0.113.5"
    big = records(hello(SHUFFLED))
    one, two, _, _ = hybrid_datagrams()
    yield from connection(lan, wan, 40000, 443, [(0, big[:1400]), (1400, big[1400:])])
    yield from connection(lan, wan, 40001, 443, [(1400, big[1400:]), (0, big[:1400]), (0, big[:1400])], 0xfffffe00)
    small = records(RFC8448)
    yield from connection(lan, wan, 40002, 443, [(i, small[i:i + 1]) for i in range(len(small))])
    yield from connection(lan, wan, 40000, 443, [(0, records(RFC8448))], 900000000)  # the same port again
    yield from connection("fd00:1::10", "2001:db8::5", 40003, 443, [(0, OPENSSL)])
    yield udp(lan, wan, 40004, 443, one)
    yield udp(wan, lan, 443, 40004, bytes(1200))
    yield udp(lan, wan, 40004, 443, two)
    yield udp("fd00:1::10", "2001:db8::53", 40005, 53, query(b"www.example.org"))
    yield from connection(lan, wan, 40006, 80, [(0, b"GET / HTTP/1.1\r\nHo"), (18, b"st: ads.example\r\n\r\n")])
    yield from connection(lan, wan, 40007, 80, [(0, b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n")])
    yield from connection(lan, wan, 40008, 443, [(0, big[:500])], end=0)
    yield from connection(lan, wan, 40009, 25, [(0, b"EHLO me\r\n")])
    yield from connection(lan, wan, 40010, 443, [])
    yield tcp(lan, wan, 40011, 443, 7, 0x18, b"in the middle")
    yield ip(lan, wan, 17, bytes(16), more=True)


def ethernet(packet):
    return bytes(12) + (b"\x86\xdd" if packet[0] >> 4 == 6 else b"\x08\x00") + packet


def vlan(packet):
    return bytes(12) + b"\x81\x00\x00\x05" + ethernet(packet)[12:]


def pppoe(packet):
    """RFC 2516 4, with the PPP protocols of RFC 1332 and 5072, as lines have it whose VLAN is 7."""
    ppp = (b"\0\x57" if packet[0] >> 4 == 6 else b"\0\x21") + packet
    return bytes(12) + b"\x81\0\0\7\x88\x64\x11\0" + struct.pack("!HH", 0x1234, len(ppp)) + ppp


def sll(packet):
    return bytes(14) + ethernet(packet)[12:14] + packet


def sll2(packet):
    return ethernet(packet)[12:14] + bytes(18) + packet


def pcap(frames, link, order="<", magic=0xa1b2c3d4):
    out = struct.pack(order + "IHHIIII", magic, 2, 4, 0, 0, 262144, link)
    for f in frames:
        out += struct.pack(order + "IIII", 1, 0, len(f), len(f)) + f
    return out


def pcapng(frames, link, order="<"):
    def block(kind, body):
        body += bytes(-len(body) % 4)
        return struct.pack(order + "II", kind, len(body) + 12) + body + struct.pack(order + "I", len(body) + 12)

    out = block(0x0a0d0d0a, struct.pack(order + "IHHq", 0x1a2b3c4d, 1, 0, -1))
    out += block(1, struct.pack(order + "HHI", link, 0, 0)) + block(5, bytes(12))
    for f in frames:
        out += block(6, struct.pack(order + "IIIII", 0, 0, 0, len(f), len(f)) + f)
    return out


def captures():
    all_packets = list(packets())
    yield "ethernet.pcap", pcap(map(ethernet, all_packets), 1)
    yield "big-endian.pcap", pcap(map(vlan, all_packets), 1, ">", 0xa1b23c4d)
    yield "pppoe.pcap", pcap(map(pppoe, all_packets), 1)
    yield "raw.pcap", pcap(all_packets, 101)
    yield "sll.pcap", pcap(map(sll, all_packets), 113)
    yield "ethernet.pcapng", pcapng(map(ethernet, all_packets), 1)
    yield "sll2.pcapng", pcapng(map(sll2, all_packets), 276, ">")


def c_array(name, data):
    lines = ["static const uint8_t %s[] = {" % name]
    for i in range(0, len(data), 16):
        lines.append("\t" + ", ".join("0x%02x" % x for x in data[i:i + 16]) + ",")
    return "\n".join(lines) + "\n};\n"


def main():
    check_ja4()
    made = dict(vectors())
    with open(os.path.join(HERE, "vectors.h"), "w") as f:
        f.write("/* SPDX-License-Identifier: GPL-2.0-or-later\n * First messages of clients; made by craft.py,"
                " which says what they are.\n */\n#include <stdint.h>\n\n")
        for name, data in made.items():
            f.write("__attribute__((unused)) " + c_array(name, data) + "\n")
        f.write("__attribute__((unused)) static const struct {\n\tconst char *name;\n\tconst uint8_t *p;\n"
                "\tunsigned n;\n\tconst char *ja4;\n} fingerprints[] = {\n")
        for name, text in fingerprints():
            f.write('\t{"%s", %s, sizeof(%s), "%s"},\n' % (name, name, name, text))
        f.write("};\n")
    os.makedirs(os.path.join(CORPUS, "flow"), exist_ok=True)
    for name, data in made.items():
        # fuzz_flow: a byte that says TCP (0) or UDP (1), then pieces behind two bytes of length
        datagram = name.startswith(("quic", "dns"))
        with open(os.path.join(CORPUS, "flow", name), "wb") as f:
            f.write(bytes([datagram]) + struct.pack("!H", len(data)) + data)
    os.makedirs(os.path.join(CORPUS, "capture"), exist_ok=True)
    for name, data in captures():
        with open(os.path.join(CORPUS, "capture", name), "wb") as f:
            f.write(data)


if __name__ == "__main__":
    main()
