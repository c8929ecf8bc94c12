"""A registry that misbehaves as a test wants: real manifests and blobs, and faults on the way."""
import hashlib
import http.server
import json
import re
import threading
import urllib.request

from tests.support.serving import Serving

MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"


def digest_of(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


class FakeRegistry(Serving):
    """Serves the repository "x". `blobs`: digest -> bytes; `manifests`: tag or digest -> (type, bytes).

    `faults`: a list of functions (handler) that answer; the first one answers the next request that it is for, and is then gone. It
    is for blobs, or for the `kind` that it says, and if it has a `part`, for paths with that in them. `log` has (method, path,
    headers) of each request.
    """

    def __init__(self):
        self.blobs, self.manifests, self.faults, self.log = {}, {}, [], []
        self.lock = threading.Lock()  # of `faults`: requests come on threads of their own
        self.ranges = True
        self.headers = {}  # of every answer
        fake = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def do_GET(self):
                fake.log.append((self.command, self.path, dict(self.headers)))
                fake.answer(self)

            do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_GET

            def reply(self, status, body=b"", **headers):
                self.send_response(status)
                for name, value in (fake.headers | {"Content-Length": str(len(body))} | {k.replace("_", "-"): v for k, v in headers.items()}).items():
                    self.send_header(name, value)
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(body)

            def cut(self, status, body, length, **headers):
                """Says that `length` bytes come, and gives only `body`."""
                self.reply(status, body, **({"Content_Length": str(length)} | headers))
                self.close_connection = True

        self.serve(Handler)
        self.host = f"127.0.0.1:{self.port}"

    def take(self, registry, repository, tag):
        """Has the image that a real registry has, as "x:1"."""
        data, kind = registry.manifest(repository, tag)
        self.manifests["1"] = (kind, data)
        document = json.loads(data)
        for blob in [document["config"], *document["layers"]]:
            with urllib.request.urlopen(f"http://{registry.host}/v2/{repository}/blobs/{blob['digest']}") as answer:
                self.blobs[blob["digest"]] = answer.read()
        return document

    def answer(self, handler):
        path = handler.path.partition("?")[0]
        if path == "/v2/":
            return handler.reply(200)
        kind, _, name = path.removeprefix("/v2/x/").partition("/")
        if fault := self.take_fault(kind, path):
            return fault(handler)
        if kind == "manifests" and name in self.manifests:
            media_type, data = self.manifests[name]
            return handler.reply(200, data, Content_Type=media_type)
        if kind == "blobs" and name in self.blobs:
            return self.give(handler, self.blobs[name])
        return handler.reply(404, b'{"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest unknown"}]}')

    def take_fault(self, kind, path):
        with self.lock:
            if self.faults and kind == getattr(self.faults[0], "kind", "blobs") and getattr(self.faults[0], "part", "") in path:
                return self.faults.pop(0)
        return None

    def give(self, handler, data):
        wanted = re.fullmatch(r"bytes=(\d+)-", handler.headers.get("Range", ""))
        if not wanted or not self.ranges:
            return handler.reply(200, data)
        begin = int(wanted[1])
        return handler.reply(206, data[begin:], Content_Range=f"bytes {begin}-{len(data) - 1}/{len(data)}")

    def requests(self, part):
        return [entry for entry in self.log if part in entry[1]]
