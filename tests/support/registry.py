"""A real registry of the test's own: Debian's docker-registry, on the loopback device, with a folder of its own."""
import os
import re
import signal
import socket
import subprocess
import time
import urllib.request

from tests.support.ports import Port

REGISTRY = "/usr/bin/docker-registry"
START_SECONDS, STOP_SECONDS = 60, 60


class Registry:
    """Runs from start() to stop(), or in a `with` block. `extra` is added to its configuration (YAML lines); `words` stand before the command.

    `tls`: files of its certificate and its key, and if it wants certificates of its clients, of who signs them.
    """

    def __init__(self, folder, extra="", tls=None, address="127.0.0.1", words=()):
        self.folder, self.extra, self.tls, self.words = folder, extra, tls, words
        self.port = Port()
        self.host = f"{address}:{self.port.number}"
        self.process = None

    def configuration(self):
        tls = ""
        if self.tls:
            clients = f", clientcas: [{self.tls[2]}]" if len(self.tls) > 2 else ""
            tls = f"  tls: {{certificate: {self.tls[0]}, key: {self.tls[1]}{clients}}}\n"
        return ("version: 0.1\nlog: {level: debug, accesslog: {disabled: false}}\n"
                f"storage: {{filesystem: {{rootdirectory: {self.folder}/data}}, delete: {{enabled: true}}}}\n"
                f"http:\n  addr: {self.host}\n{tls}{self.extra}")

    def start(self):
        os.makedirs(self.folder, exist_ok=True)
        config = os.path.join(self.folder, "config.yml")
        with open(config, "w") as file:
            file.write(self.configuration())
        self.log_path = os.path.join(self.folder, "log")
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen([*self.words, REGISTRY, "serve", config], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                if not self.words:
                    socket.create_connection(("127.0.0.1", self.port.number), 1).close()
                elif "listening on" not in self.log():
                    raise OSError
                return self
            except OSError:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    raise AssertionError(f"docker-registry did not start:\n{self.log()[-4000:]}") from None
                time.sleep(0.02)

    def log(self):
        with open(self.log_path, errors="replace") as file:
            return file.read()

    def requests(self):
        """["GET /v2/x/blobs/sha256:...", ...] of all requests that were begun: the access log has each some time after its answer."""
        return [" ".join(words) for words in re.findall(
            r'msg="authorizing request".* http\.request\.method=(\w+) .* http\.request\.uri="?([^" ]+)', self.log())]

    def manifest(self, repository, tag):
        """Bytes and media type of a manifest, asked for as any client would."""
        kinds = ("application/vnd.docker.distribution.manifest.v2+json", "application/vnd.oci.image.manifest.v1+json",
                 "application/vnd.docker.distribution.manifest.list.v2+json", "application/vnd.oci.image.index.v1+json")
        request = urllib.request.Request(f"http://{self.host}/v2/{repository}/manifests/{tag}", headers={"Accept": ", ".join(kinds)})
        with urllib.request.urlopen(request) as answer:
            return answer.read(), answer.headers["Content-Type"]

    def stop(self, how=signal.SIGTERM):
        if self.process is not None:
            self.process.send_signal(how)
            self.process.wait(STOP_SECONDS)
            self.process = None

    def __enter__(self):
        return self.start()

    def close(self):
        """The last stop: the port is free again."""
        self.stop()
        self.port.release()

    def __exit__(self, *_):
        self.close()
