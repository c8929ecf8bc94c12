"""POST /build of a dockerd, with a context as today's docker command line (28) packs it.

Debian's docker 20.10 puts file-type bits into the modes of the context's tar, so its COPY steps have other cache keys
than those of every later client. Strata computes the keys of the later ones; so does this client.
"""
import dataclasses
import http.client
import io
import json
import os
import socket
import tarfile
import urllib.parse


@dataclasses.dataclass(frozen=True)
class Build:
    """What the daemon streamed: the output text, the ID of the last stage's image (hex) and the error, if any."""
    text: str
    image: str
    error: str


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=300)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


def context_tar(folder):
    """All of `folder` in lexical order: owner 0:0, mtime in whole seconds, no user names."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for path in sorted(_walk(folder)):
            info = tar.gettarinfo(path, arcname=os.path.relpath(path, folder))
            info.uid = info.gid = 0
            info.uname = info.gname = ""
            info.mtime = int(info.mtime)
            if info.isreg():
                with open(path, "rb") as file:
                    tar.addfile(info, file)
            else:
                tar.addfile(info)
    return buffer.getvalue()


def _walk(folder):
    for parent, folders, files in os.walk(folder):
        for name in folders + files:
            yield os.path.join(parent, name)


def build(socket_path, folder, tag, **query):
    """A classic build. `query` as in the API: dockerfile, nocache, buildargs (JSON), networkmode, ..."""
    parameters = urllib.parse.urlencode({"t": tag, "version": "1", "rm": "1", "networkmode": "none"} | query)
    connection = _UnixConnection(socket_path)
    try:
        connection.request("POST", "/v1.41/build?" + parameters, context_tar(folder), {"Content-Type": "application/x-tar"})
        answer = connection.getresponse()
        body = answer.read().decode()
    finally:
        connection.close()
    text, image, error = "", "", ""
    for line in body.splitlines():
        message = json.loads(line)
        text += message.get("stream", "")
        error = message.get("error") or message.get("message") or error
        image = (message.get("aux") or {}).get("ID", image).removeprefix("sha256:")
    return Build(text, image, error)
