#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A web server that misbehaves by path: lists.py ADDRESS PORT DIRECTORY LOG [CERTIFICATE KEY].

  /NAME           the file of that name, with its hash as ETag; 304 to who has it
  /gzip/NAME      the same, compressed
  /404/...        404
  /to/URL         a redirect to that URL
  /endless        never ends
  /bomb           a few kB that become 2 GB
  /short/NAME     ends before what it has promised
  /unbounded/NAME nothing says where it ends
  /torn/NAME      changes half way: the second half is that of NAME.new
  /mute           accepts and says nothing
Each request is a line of the log: METHOD PATH STATUS. "ready" there says that it listens."""
import gzip
import hashlib
import http.server
import os
import ssl
import sys
import threading
import time
import zlib

ADDRESS, PORT, ROOT, LOG = sys.argv[1:5]
lock = threading.Lock()


def log(text):
    with lock, open(LOG, "a", encoding="utf-8") as f:
        f.write(text + "\n")


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def say(self, status, body=b"", **headers):
        log(f"{self.command} {self.path} {status}")
        self.send_response(status)
        for key, value in headers.items():
            self.send_header(key.replace("_", "-"), value)
        if "Content_Length" not in headers and status != 304:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def file(self, name):
        with open(os.path.join(ROOT, os.path.basename(name)), "rb") as f:
            return f.read()

    def chunk(self, data):
        self.wfile.write(b"%x\r\n" % len(data) + data + b"\r\n")

    def endless(self):
        log(f"GET {self.path} 200")
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for n in range(1 << 30):
            self.chunk(b"198.18.0.%d\n" % (n % 256))
            self.wfile.flush()
            time.sleep(0.01)

    def bomb(self):
        # a block that leans on none before it may come again and again; nobody gets to the end
        packer = zlib.compressobj(9, zlib.DEFLATED, 31)
        head = packer.flush(zlib.Z_FULL_FLUSH)
        block = packer.compress(b"#" * (1 << 20)) + packer.flush(zlib.Z_FULL_FLUSH)
        self.say(200, head + 2048 * block, Content_Encoding="gzip")

    def do_GET(self):
        first, _, rest = self.path[1:].partition("/")
        try:
            if first == "404":
                self.say(404, b"not here\n")
            elif first == "to":
                self.say(302, b"elsewhere\n", Location=rest)
            elif first == "endless":
                self.endless()
            elif first == "bomb":
                self.bomb()
            elif first == "mute":
                log(f"GET {self.path} -")
                time.sleep(600)
            elif first == "short":
                body = self.file(rest)
                self.say(200, body[:len(body) // 2], Content_Length=str(len(body)))
                self.close_connection = True
            elif first == "torn":
                body, new = self.file(rest), self.file(rest + ".new")
                self.say(200, body[:len(body) // 2] + new[len(new) // 2:])
            elif first == "unbounded":
                log(f"GET {self.path} 200")
                self.wfile.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + self.file(rest))
                self.close_connection = True
            elif first == "gzip":
                self.say(200, gzip.compress(self.file(rest)), Content_Encoding="gzip")
            else:
                body = self.file(self.path)
                tag = '"%s"' % hashlib.sha256(body).hexdigest()[:16]
                if self.headers.get("If-None-Match") == tag:
                    self.say(304, ETag=tag)
                else:
                    self.say(200, body, ETag=tag)
        except FileNotFoundError:
            self.say(404, b"not here\n")
        except (BrokenPipeError, ConnectionResetError, ssl.SSLError):
            self.close_connection = True


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        pass


server = Server((ADDRESS, int(PORT)), Handler)
if len(sys.argv) > 5:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(sys.argv[5], sys.argv[6])
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
log("ready")
server.serve_forever()
