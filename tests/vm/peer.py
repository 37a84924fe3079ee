#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The two ends of inspected connections, each of many kinds, because a process takes its time to start
here.

    peer.py serve PORTS...            answers on TCP and UDP, both families, until killed: with "seen N",
                                      N being the bytes that came in the connection so far
    peer.py CASE ADDRESS...           prints a line for each address: "CASE ADDRESS passed", "... refused"
                                      (reset), "... nothing" (no answer in time)

The messages are made here, from the RFCs; nothing is shared with what judges them."""
import os
import resource
import socket
import struct
import sys
import threading
import time

# The random module takes a quarter of the start of this program, which is emulated.
def drawn(low, high):
    return low + int.from_bytes(os.urandom(8), "big") % (high - low)


WAIT = float(os.environ.get("PEER_WAIT", "2.5"))


# ---- messages ----

def extension(number, body):
    return struct.pack("!HH", number, len(body)) + body


def hello(name, size=0):
    """A ClientHello (RFC 8446 4.1.2) in one record, of about `size` bytes: as large as one with a
    post-quantum key share (1216 bytes)."""
    name = name.encode()
    sni = extension(0, struct.pack("!HBH", len(name) + 3, 0, len(name)) + name)
    share = extension(51, struct.pack("!HHH", size + 4, 0x11ec, size) + bytes(size)) if size else b""
    extensions = share + sni
    body = (b"\x03\x03" + bytes(32) + b"\x00" + b"\x00\x02\x13\x01" + b"\x01\x00" +
            struct.pack("!H", len(extensions)) + extensions)
    message = b"\x01" + struct.pack("!I", len(body))[1:] + body
    return b"\x16\x03\x01" + struct.pack("!H", len(message)) + message


def query(name):
    """A DNS query of type A (RFC 1035 4.1)."""
    labels = b"".join(bytes([len(x)]) + x.encode() for x in name.split("."))
    return b"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00" + labels + b"\x00\x00\x01\x00\x01"


def request(name):
    return b"GET / HTTP/1.1\r\nHost: " + name.encode() + b"\r\n\r\n"


# ---- serving ----

def family(address):
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def answer(connection):
    total = 0
    try:
        while data := connection.recv(65536):
            total += len(data)
            if b"END WITH RST" in data:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                break
            if b"END WITH FIN" in data:
                break
            connection.sendall(b"seen %d\n" % total + (data if len(data) < 64 else b""))
    except OSError:
        pass
    connection.close()


def listen(kind, port):
    s = socket.socket(kind, socket.SOCK_STREAM)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if kind == socket.AF_INET6:
        s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    s.bind(("", port))
    s.listen(128)
    while True:
        connection, _ = s.accept()
        threading.Thread(target=answer, args=(connection,), daemon=True).start()


def echo(kind, port):
    s = socket.socket(kind, socket.SOCK_DGRAM)
    if kind == socket.AF_INET6:
        s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    s.bind(("", port))
    while True:
        data, peer = s.recvfrom(65536)
        s.sendto(b"seen %d\n" % len(data) + data[:64], peer)


def serve_tls(port, cert):
    """OpenSSL, as it is."""
    import ssl  # half of the start of the program, which is emulated

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert)

    def one(s):
        try:
            with context.wrap_socket(s, server_side=True) as tls:
                tls.sendall(b"seen " + tls.recv(100))
        except OSError:
            pass
    s = socket.socket(socket.AF_INET6, socket.SOCK_STREAM)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind(("", port))
    s.listen(16)
    while True:
        connection, _ = s.accept()
        threading.Thread(target=one, args=(connection,), daemon=True).start()


def openssl(address, name):
    """Of "NAME/PROTOCOL" the second is what it offers by ALPN; "/1.2" is a client that knows TLS 1.2."""
    import ssl

    name, _, offer = name.partition("/")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if offer == "1.2":
        context.maximum_version = ssl.TLSVersion.TLSv1_2
    elif offer:
        context.set_alpn_protocols([offer])
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        with socket.create_connection((address, 444), timeout=WAIT) as s, \
                context.wrap_socket(s, server_hostname=name) as tls:
            tls.sendall(b"me")
            return "passed" if tls.recv(100) == b"seen me" else "other"
    except socket.timeout:
        return "nothing"
    except OSError:
        return "refused"


def vector(name):
    """Bytes of tests/vectors/vectors.h."""
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "vectors", "vectors.h")
    text = open(path).read().split(" %s[] = {" % name)[1].split("}")[0]
    return bytes(int(x, 16) for x in text.replace(",", " ").split())


def datagrams(address, names, hops=0):
    """Each of them on one socket; how many come back."""
    s = socket.socket(family(address), socket.SOCK_DGRAM)
    if hops:
        s.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, hops)
    s.settimeout(WAIT)
    s.connect((address, 443))
    for name in names:
        s.send(vector(name))
    back = 0
    try:
        while back < len(names):
            s.recv(100)
            back += 1
    except OSError:
        pass
    return "%d of %d" % (back, len(names))


def serve(ports):
    resource.setrlimit(resource.RLIMIT_NOFILE, (8192, 8192))
    for port in ports:
        for kind in socket.AF_INET, socket.AF_INET6:
            threading.Thread(target=listen, args=(kind, port), daemon=True).start()
            threading.Thread(target=echo, args=(kind, port), daemon=True).start()
    time.sleep(0.5)
    print("ready", flush=True)
    while True:
        time.sleep(60)


# ---- asking ----

def connect(address, port, source=0):
    s = socket.socket(family(address), socket.SOCK_STREAM)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    s.settimeout(WAIT)
    if source:
        s.bind(("", source))
    s.connect((address, port))
    return s


def outcome(s, wanted):
    """What the server says, once it has seen that many bytes."""
    have = b""
    try:
        while b"seen %d\n" % wanted not in have:
            data = s.recv(65536)
            if not data:
                return "ended"
            have += data
    except socket.timeout:
        return "nothing"
    except OSError:
        return "refused"
    return "passed"


def say(address, port, pieces, pause=0.0, source=0):
    try:
        s = connect(address, port, source)
    except socket.timeout:
        return "unconnected"
    except OSError:
        return "refused"
    try:
        for piece in pieces:
            s.sendall(piece)
            time.sleep(pause)
    except OSError:
        return "refused"
    result = outcome(s, sum(map(len, pieces)))
    s.close()
    return result


def datagram(address, port, message):
    s = socket.socket(family(address), socket.SOCK_DGRAM)
    s.settimeout(WAIT)
    s.connect((address, port))
    try:
        s.send(message)
        s.recv(100)
    except socket.timeout:
        return "nothing"
    except OSError:
        return "refused"
    return "passed"


def paced(address, count, rate):
    """So many look-ups on one socket, each of a name of its own, so many a second; how many come back."""
    with socket.socket(family(address), socket.SOCK_DGRAM) as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        s.settimeout(10 * WAIT)
        s.connect((address, 53))
        begun = time.monotonic()
        for i in range(count):
            time.sleep(max(0.0, begun + i / rate - time.monotonic()))
            s.send(query("n%d.example" % i))
        came = 0
        try:
            while came < count:
                came += s.recv(100).startswith(b"seen")
        except socket.timeout:
            pass
    return "%d of %d" % (came, count)


def burst(address, names):
    """All in one packet, which the network card was to take apart: "passed" if one of them came there."""
    with socket.socket(family(address), socket.SOCK_DGRAM) as s:
        messages = [query(name) for name in names]
        s.setsockopt(socket.IPPROTO_UDP, 103, len(messages[0]))  # UDP_SEGMENT
        s.settimeout(WAIT)
        s.connect((address, 53))
        s.send(b"".join(messages))
        try:
            s.recv(100)
        except socket.timeout:
            return "nothing"
    return "passed"


TYPES = {"A": 1, "TXT": 16, "AAAA": 28}


def told(message, reply):
    """What a DNS answer says (RFC 1035 4.1, 6891 6.1): "refused", "nxdomain", "nodata", or addresses;
    and what is wrong with it."""
    question = message[12:message.index(b"\x00", 12) + 5]
    flags, counts = struct.unpack("!H", reply[2:4])[0], struct.unpack("!4H", reply[4:12])
    if reply[:2] != message[:2] or reply[12:12 + len(question)] != question or counts[0] != 1:
        return "another question"
    if len(reply) > 512 or flags & 0xfe00 & ~0x0100 != 0x8000 or not flags & 0x80:
        return "bad flags %04x, or too long" % flags
    at, records = 12 + len(question), []
    for _ in range(sum(counts[1:])):
        at += 1 if reply[at] == 0 else 2  # the root, or a pointer to the question
        kind, _, ttl, size = struct.unpack("!HHIH", reply[at:at + 10])
        records.append((kind, ttl, reply[at + 10:at + 10 + size]))
        at += 10 + size
    if at != len(reply) or [k for k, _, _ in records].count(41) != 1:
        return "no EDNS, or bytes behind the end"
    data = [socket.inet_ntop(socket.AF_INET if k == 1 else socket.AF_INET6, d)
            for k, _, d in records if k in (1, 28)]
    if not data and flags & 15 != 5 and 6 not in [k for k, _, _ in records]:
        return "nothing to remember it by"
    return {5: "refused", 3: "nxdomain", 0: "+".join(data) or "nodata"}.get(flags & 15, "bad code")


def look_up(address, arg):
    """A query with EDNS: NAME/TYPE or NAME/TYPE/PORT, the port it comes from. "passed": by a server."""
    name, kind, port = (arg + "/0").split("/")[:3]
    message = (struct.pack("!H", drawn(0, 1 << 16)) + b"\x01\x00\x00\x01\x00\x00\x00\x00\x00\x01" +
               query(name)[12:-4] + struct.pack("!HH", TYPES[kind], 1) +
               b"\x00\x00\x29\x04\xd0\x00\x00\x00\x00\x00\x00")
    s = socket.socket(family(address), socket.SOCK_DGRAM)
    s.settimeout(WAIT)
    try:
        s.bind(("", int(port)))
        s.connect(socket.getaddrinfo(address, 53)[0][4])
        s.send(message)
        reply = s.recv(2000)
    except OSError:
        return "nothing"
    return "passed" if reply.startswith(b"seen") else told(message, reply)


def spoofed(address, arg):
    """A look-up of arg as if from another address, of the family of that: nothing can come back."""
    source, name = arg.split("/")
    payload = query(name)
    udp = struct.pack("!HHHH", 4444, 53, 8 + len(payload), 0) + payload
    ip = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(udp), 1, 0, 64, 17, 0)
    s = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
    s.sendto(ip + socket.inet_aton(source) + socket.inet_aton(address) + udp, (address, 0))
    return "sent"


def checksum(data):
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


class Raw:
    """A TCP client of our own (IPv4 only), which sends segments in whatever order and form. The
    kernel's own stack must be kept from resetting: see quiet()."""

    def __init__(self, address, port, source):
        self.raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_TCP)
        self.raw.settimeout(WAIT)
        probe = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        probe.connect((address, port))
        self.here, self.there, self.port, self.source = probe.getsockname()[0], address, port, source
        self.seq = drawn(0, 1 << 32)
        self.ack = 0
        self.send(self.seq, 2)
        self.answer(lambda flags, _: flags & 18 == 18)
        self.first = self.seq + 1 & 0xffffffff
        self.send(self.first, 16)

    def send(self, seq, flags, data=b""):
        self.sent = max(getattr(self, "sent", 0), seq + len(data) + (flags >> 1 & 1))
        head = struct.pack("!HHIIBBHHH", self.source, self.port, seq & 0xffffffff,
                           self.ack if flags & 16 else 0, 5 << 4, flags, 65535, 0, 0)
        pseudo = (socket.inet_aton(self.here) + socket.inet_aton(self.there) +
                  struct.pack("!BBH", 0, 6, len(head) + len(data)))
        head = head[:16] + struct.pack("!H", checksum(pseudo + head + data)) + head[18:]
        self.raw.sendto(head + data, (self.there, 0))

    def answer(self, wanted):
        end = time.monotonic() + WAIT
        while time.monotonic() < end:
            packet = self.raw.recv(65536)
            tcp = packet[(packet[0] & 15) * 4:]
            source, port, seq, _, offset, flags = struct.unpack("!HHIIBB", tcp[:14])
            if (source, port) != (self.port, self.source):
                continue
            data = tcp[(offset >> 4) * 4:]
            self.ack = seq + len(data) + (flags >> 1 & 1) & 0xffffffff
            if flags & 4:
                return "refused"
            if data: # or the other side would send no more (Nagle)
                self.send(self.sent, 16)
            if wanted(flags, data):
                return "passed"
        return "nothing"

    def bytes(self, offset, data):
        self.send(self.first + offset, 24, data)

    def result(self, wanted):
        have = b""

        def enough(_, data):
            nonlocal have
            have += data
            return b"seen %d\n" % wanted in have
        try:
            return self.answer(enough)
        except socket.timeout:
            return "nothing"


def segments(address, name, order):
    """The hello in pieces (offset, length), in that order, from a TCP of our own."""
    message = hello(name, 1216)
    tcp = Raw(address, 443, drawn(20000, 30000))
    for offset, length in order(len(message)):
        tcp.bytes(offset, message[offset:offset + length])
        time.sleep(0.02)
    result = tcp.result(len(message))
    tcp.send(tcp.first + len(message), 4)
    return result


ORDERS = {
    "swapped": lambda n: [(700, n - 700), (0, 700)],
    "duplicated": lambda n: [(0, 700), (0, 700), (700, n - 700), (700, n - 700)],
    "overlapping": lambda n: [(0, 800), (600, n - 600)],
    "backwards": lambda n: [(i, 100) for i in range(n // 100 * 100, -1, -100)],
}


def with_ttl(address, arg):
    """NAME/TTL: of the hello; of the SYN it is 64."""
    name, ttl = arg.split("/")
    message = hello(name)
    tcp = Raw(address, 443, drawn(20000, 30000))
    tcp.raw.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, int(ttl))
    tcp.bytes(0, message)
    result = tcp.result(len(message))
    tcp.send(tcp.first + len(message), 4)
    return result


def two_syns(address, name):
    """A hello of that name; but before it another SYN, which the server does not take, and a good one behind that."""
    tcp = Raw(address, 443, drawn(20000, 30000))
    tcp.send(tcp.first + 5000 - 1, 2)
    tcp.send(tcp.first + 5000, 24, hello("www.example.org"))
    time.sleep(0.5)
    tcp.bytes(0, hello(name))
    result = tcp.result(len(hello(name)))
    tcp.send(tcp.first + len(hello(name)), 4)
    return result


def long(address, name):
    """A connection that goes on: 100 messages there and back after the hello."""
    s = connect(address, 443)
    total = len(hello(name))
    s.sendall(hello(name))
    result = outcome(s, total)
    for _ in range(100):
        if result != "passed":
            return result
        s.sendall(bytes(1000))
        total += 1000
        result = outcome(s, total)
    return result


def reset(s):
    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    s.close()


def close(s, style):
    if style == "client-rst":
        reset(s)
    elif style == "server-rst":
        s.sendall(b"END WITH RST")
        time.sleep(0.3)
        s.close()
    elif style == "both-rst":
        s.sendall(b"END WITH RST")
        reset(s)
    elif style == "fin-rst":
        s.sendall(b"END WITH FIN")
        time.sleep(0.3)
        reset(s)
    elif style == "fin":
        s.shutdown(socket.SHUT_WR)
        while s.recv(1000):
            pass
        s.close()
        time.sleep(1.3)  # what tcp_tw_reuse asks for


def reuse(address, style):
    """The same port three times in a row, closed in that way in between."""
    results = []
    for _ in range(3):
        s = connect(address, 443, 31000 + len(style))
        s.sendall(hello("reuse.example"))
        results.append(outcome(s, len(hello("reuse.example"))))
        close(s, style)
        time.sleep(0.1)
    return ",".join(results)


def flood(address, count):
    """Connections that begin a hello and do not end it: how many the server hears of."""
    resource.setrlimit(resource.RLIMIT_NOFILE, (8192, 8192))
    open_ones = []
    for _ in range(count):
        try:
            s = connect(address, 443)
            s.sendall(hello("flood.example")[:40])
            open_ones.append(s)
        except OSError:
            pass
    time.sleep(1)
    heard = 0
    for s in open_ones:
        s.setblocking(False)
        try:
            heard += s.recv(100).startswith(b"seen")
        except OSError:
            pass
    return "%d of %d" % (heard, len(open_ones))


def many(address, seconds):
    """Connection after connection, hellos in two parts, on several threads; and one that goes on all the
    time. Prints how many were made and how many failed."""
    end, lock, counts = time.monotonic() + seconds, threading.Lock(), {"made": 0, "failed": 0}
    stop = os.environ.get("PEER_STOP", "")  # a file that ends it earlier

    def going():
        return time.monotonic() < end and not (stop and os.path.exists(stop))
    message = hello("many.example", 1216)

    def one(result):
        with lock:
            counts["made"] += 1
            counts["failed"] += result != "passed"

    def connections():
        while going():
            one(say(address, 443, [message[:700], message[700:]], 0.1))

    def transfer():
        s = connect(address, 443)
        s.settimeout(15)
        s.sendall(message)
        total, result = len(message), outcome(s, len(message))
        while going() and result == "passed":
            s.sendall(bytes(1000))
            total += 1000
            result = outcome(s, total)
        one(result)
    threads = [threading.Thread(target=t) for t in [connections] * 4 + [transfer]]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    return "made %(made)d failed %(failed)d" % counts


class Two:
    """A connection whose hello comes in two parts."""

    def __init__(self, address, message):
        self.s = socket.socket(family(address), socket.SOCK_STREAM)
        self.s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.s.settimeout(WAIT)
        self.message, self.wanted, self.result, self.have = message, b"seen %d\n" % len(message), None, b""
        try:
            self.s.connect((address, 443))
            self.s.sendall(message[:700])
        except OSError as e:
            self.result = "unconnected: %s" % e

    def rest(self):
        if not self.result:
            self.end = time.monotonic() + WAIT
            self.s.sendall(self.message[700:])
            self.s.setblocking(False)
        return self

    def hear(self):
        """Whether it is over."""
        try:
            self.have += self.s.recv(100) if not self.result else b""
            if self.wanted in self.have:
                self.result = "passed"
            elif not self.result and time.monotonic() > self.end:
                self.result = "nothing"
        except BlockingIOError:
            self.result = "nothing" if time.monotonic() > self.end else None
        except OSError as e:
            self.result = "lost: %s" % e
        if self.result:
            self.s.close()
        return self.result


def over(address, held, new, rate):
    """So many connections that wait within their hello until there is a file PEER_STOP, and at least so
    many new ones, so many a second, meanwhile. FILE.held says that the former wait."""
    stop, message = os.environ["PEER_STOP"], hello("over.example", 1216)
    waiting = [Two(address, message) for _ in range(held)]
    open(stop + ".held", "w").close()
    begun, made, open_ones, results = time.monotonic(), 0, [], []
    begins = []  # of which the second part is due
    while made < new or not os.path.exists(stop) or begins or open_ones:
        going = made < new or not os.path.exists(stop)
        if going and begun + made / rate <= time.monotonic():
            begins.append((time.monotonic() + 0.1, Two(address, message)))
            made += 1
        while begins and (begins[0][0] <= time.monotonic()):
            open_ones.append(begins.pop(0)[1].rest())
        results += [two.result for two in open_ones if two.hear()]
        open_ones = [two for two in open_ones if not two.result]
        time.sleep(0.01)
    took = time.monotonic() - begun
    still = [two.result or "waits" for two in waiting]
    waiting = [two.rest() for two in waiting]
    while not all([two.hear() for two in waiting]):
        time.sleep(0.01)
    lost = [r for r in results + [two.result for two in waiting] if r != "passed"]
    return "held %d, new %d, %.1f a second, lost %d %s" % (
        still.count("waits"), made, made / took, len(lost), sorted(set(lost)) or "")


def echoed(address, port, text, kind):
    """What comes back of a text, behind the count."""
    s = socket.socket(family(address), kind)
    s.settimeout(WAIT)
    try:
        s.connect((address, port))
        s.send(text)
        return s.recv(1000).partition(b"\n")[2].decode()
    except OSError:
        return "nothing"


def case(name, address, arg):
    if name == "openssl":
        return openssl(address, arg)
    if name == "quic":
        return datagrams(address, arg.split("+"))
    if name == "quic-ttl":
        return datagrams(address, ["quic_hybrid_1", "quic_hybrid_2"], int(arg))
    if name == "ttl":
        return with_ttl(address, arg)
    if name == "two-syns":
        return two_syns(address, arg)
    if name == "long":
        return long(address, arg)
    if name == "reuse":
        return reuse(address, arg)
    if name == "flood":
        return flood(address, int(arg))
    if name == "many":
        return many(address, float(arg))
    if name == "over":
        return over(address, *map(int, arg.split("/")))
    if name == "part":
        return say(address, 443, [hello(arg)[:40]])
    if name == "broken":
        return say(address, 443, [b"\x16\x03\x01\x00\x20\x01\x00\x00\x1c" + b"\xff" * 28])
    if name == "echo":
        return echoed(address, 8080, arg.encode(), socket.SOCK_STREAM)
    if name == "echo-udp":
        return echoed(address, 8080, arg.encode(), socket.SOCK_DGRAM)
    if name == "tls":
        return say(address, 443, [hello(arg)])
    if name == "large":
        return say(address, 443, [hello(arg, 1216)[:700], hello(arg, 1216)[700:]], 0.05)
    if name == "bytes":
        return say(address, 443, [bytes([b]) for b in hello(arg)], 0.002)
    if name == "http":
        return say(address, 80, [request(arg)])
    if name == "dns":
        return datagram(address, 53, query(arg))
    if name == "paced":
        return paced(address, *map(int, arg.split("/")))
    if name == "burst":
        return burst(address, arg.split("+"))
    if name == "look-up":
        return look_up(address, arg)
    if name == "spoofed":
        return spoofed(address, arg)
    if name == "ssh":
        return say(address, 22, [b"SSH-2.0-" + arg.encode() + b"\r\n"])
    if name == "text":
        return say(address, 443, [arg.encode()])
    if name in ORDERS:
        return segments(address, arg, ORDERS[name])
    sys.exit("no case " + name)


def main():
    if sys.argv[1] == "serve":
        if os.environ.get("PEER_CERT"):
            threading.Thread(target=serve_tls, args=(444, os.environ["PEER_CERT"]), daemon=True).start()
        serve([int(x) for x in sys.argv[2:]])
    for what in sys.argv[1:]:
        name, address, arg = what.split(",", 2)
        print(name, address, arg, case(name, address, arg), flush=True)
