"""A hub of models that does what a test tells it, and `darkroom models pull` from it."""
import hashlib
import http.server
import os
import random
import re
import socket
import ssl
import struct
import subprocess
import threading

from harness import BIN

PART = ".darkroom-part-"


def weights(size=3_000_000, seed=1):
    """Bytes that begin as a safetensors file does."""
    head = b'{"__metadata__":{}}'
    return struct.pack("<Q", len(head)) + head + random.Random(seed).randbytes(size - 8 - len(head))


DATA = weights()
SUM = hashlib.sha256(DATA).hexdigest()


class Hub:
    """An HTTP server whose answers a test decides: `hub.answer = function(request)`. Every request is kept as (path, headers)."""

    def __init__(self, trust=None):
        hub = self
        self.requests = []
        self.answer = Hub.whole

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                hub.requests.append((self.path, {name.lower(): value for name, value in self.headers.items()}))
                self.close_connection = True
                try:
                    hub.answer(self)
                except (BrokenPipeError, ConnectionResetError):
                    pass

            def do_CONNECT(self):
                hub.requests.append((self.path, {}))
                host, port = self.path.rsplit(":", 1)
                with socket.create_connection((host, int(port))) as upstream:
                    self.wfile.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
                    pump(self.connection, upstream)
                self.close_connection = True

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        if trust:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*trust)
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.port = self.server.server_address[1]
        self.url = f"{'https' if trust else 'http'}://127.0.0.1:{self.port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    def ranges(self):
        return [headers.get("range") for _, headers in self.requests]

    # ---- answers
    @staticmethod
    def until_the_client_leaves(request):
        request.connection.settimeout(60)
        try:
            request.connection.recv(1)
        except OSError:
            pass

    @staticmethod
    def send(request, status, body=b"", length=None, cut=None, **fields):
        """`length`: what Content-Length says; `cut`: only so many bytes are sent."""
        request.send_response(status)
        for name, value in fields.items():
            request.send_header(name.replace("_", "-"), value)
        request.send_header("Content-Length", len(body) if length is None else length)
        request.end_headers()
        request.wfile.write(body if cut is None else body[:cut])

    @staticmethod
    def whole(request, data=DATA, etag='"v1"', cut=None):
        """A good server: the whole or the part that was asked for."""
        wanted = re.fullmatch(r"bytes=(\d+)-", request.headers.get("Range", ""))
        if wanted and request.headers.get("If-Range", etag) == etag:
            at = int(wanted[1])
            if at >= len(data):
                return Hub.send(request, 416, Content_Range=f"bytes */{len(data)}")
            return Hub.send(request, 206, data[at:], cut=cut, ETag=etag, Content_Range=f"bytes {at}-{len(data) - 1}/{len(data)}")
        return Hub.send(request, 200, data, cut=cut, ETag=etag)


def pump(a, b):
    def copy(source, sink):
        try:
            while piece := source.recv(65536):
                sink.sendall(piece)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            pass
    back = threading.Thread(target=copy, args=(b, a), daemon=True)
    back.start()
    copy(a, b)
    back.join(10)


class Puller:
    def __init__(self, base):
        self.base = base
        self.checkpoints = base / "models/checkpoints"

    def command(self, what, *flags):
        return [str(BIN / "darkroom"), "models", "pull", what, "--base-directory", str(self.base), *map(str, flags)]

    def __call__(self, what, *flags, timeout=60, env=None, **kw):
        return subprocess.run(self.command(what, *flags), capture_output=True, text=True, timeout=timeout, stdin=subprocess.DEVNULL,
                              env={**os.environ, "https_proxy": "", "http_proxy": "", "no_proxy": "", **(env or {})}, **kw)

    def files(self):
        """Everything below the base directory."""
        return sorted(str(path.relative_to(self.base)) for path in self.base.rglob("*") if path.is_file())

    def kept(self):
        part = self.checkpoints / (PART + "m.safetensors")
        return part.stat().st_size if part.exists() else 0
