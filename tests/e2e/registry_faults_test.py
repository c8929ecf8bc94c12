"""Registries that lie, die or change their mind, and machines that are full: one clear line, nothing unverified is seen, what came is kept."""
import gzip
import io
import json
import os
import signal
import socket
import subprocess
import tarfile
import threading
import time
import unittest

from tests.support.case import IN_MEMORY, PATIENCE
from tests.support.fake_registry import MANIFEST, FakeRegistry, digest_of
from tests.support.registry_case import RegistryCase


class Tap:
    """Stands before a registry. When `limit` bytes have come from it, `then` is called and the connection ends."""

    def __init__(self, target, limit, then):
        self.target, self.limit, self.then, self.bytes = target, limit, then, 0
        self.lock = threading.Lock()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.host = f"127.0.0.1:{self.listener.getsockname()[1]}"
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(client,), daemon=True).start()

    def serve(self, client):
        host, _, port = self.target.partition(":")
        try:
            with client, socket.create_connection((host, int(port))) as server:
                threading.Thread(target=self.pump, args=(client, server), daemon=True).start()
                self.pump(server, client, counted=True)
                client.shutdown(socket.SHUT_RDWR)  # while the other thread reads from it, close() ends nothing
        except OSError:
            pass

    def pump(self, source, sink, counted=False):
        try:
            while data := source.recv(16384):
                if counted and self.is_over(len(data)):
                    return
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def is_over(self, count):
        with self.lock:
            self.bytes += count
            if self.limit is None or self.bytes < self.limit:
                return False
            self.then()
            self.limit = None
            return True

    def stop(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.thread.join()


def one_layer(tar_gz, tar):
    """A config, and a manifest of an image with that layer: both as bytes."""
    config = json.dumps({"architecture": "amd64", "os": "linux", "rootfs": {"type": "layers", "diff_ids": [digest_of(tar)]},
                         "history": [{"created": "2020-01-01T00:00:00Z"}]}).encode()
    manifest = json.dumps({"schemaVersion": 2, "mediaType": MANIFEST, "config": {
        "mediaType": "application/vnd.docker.container.image.v1+json", "digest": digest_of(config), "size": len(config)}, "layers": [
            {"mediaType": "application/vnd.docker.image.rootfs.diff.tar.gzip", "digest": digest_of(tar_gz), "size": len(tar_gz)}]}).encode()
    return config, manifest


class FaultCase(RegistryCase):
    where = IN_MEMORY

    def setUp(self):
        super().setUp()
        self.engine = self.strata()

    def refused(self, *words):
        done = self.engine.run(*words)
        self.assertEqual(done.code, 1, done)
        self.assertEqual(self.engine("images", "-q", "-a"), "")
        return done.err.strip()

    def real(self, big=3_000_000):
        """A registry with an image that has one big layer, and that layer."""
        server = self.registry()
        maker = self.strata("maker")
        image = self.build(maker, server.host + "/x:1", big=big)
        maker("push", "-q", server.host + "/x:1")
        layers = json.loads(server.manifest("x", "1")[0])["layers"]
        return server, image, max(layers, key=lambda layer: layer["size"])

    def faulty(self):
        """A fake registry with such an image."""
        server, image, big = self.real(300_000)
        fake = self.fake()
        fake.take(server, "x", "1")
        return fake, image, big


class Answers(RegistryCase):
    """An image of one big layer, at a registry whose answers are bent."""

    def setUp(self):
        super().setUp()
        real = self.registry()
        maker = self.strata("maker")
        self.image = self.build(maker, real.host + "/x:1", big=3_000_000)
        maker("push", "-q", real.host + "/x:1")
        self.fake_registry = self.fake()
        self.document = self.fake_registry.take(real, "x", "1")
        real.stop()
        self.big = max(self.document["layers"], key=lambda layer: layer["size"])
        self.name = self.fake_registry.host + "/x:1"
        self.engine = self.strata()

    def pull(self, *options):
        return self.engine.run("pull", "-q", *options, self.name)

    def refused(self, *options):
        """The error of a pull that fails, which leaves no image behind and no layer."""
        done = self.pull(*options)
        self.assertEqual((done.code, done.out), (1, ""), done)
        self.assertEqual(self.engine("images", "-aq"), "")
        self.assertEqual(os.listdir(self.path("store/image/overlay2/layerdb/sha256")), [])
        self.assert_store_sound("store", "--expect-clean")
        return done.err.removeprefix("Error response from daemon: ").rstrip("\n")

    def set_manifest(self, document, kind=MANIFEST):
        self.fake_registry.manifests["1"] = (kind, document if isinstance(document, bytes) else json.dumps(document).encode())

    def test_wrong_bytes_are_seen(self):
        good = self.fake_registry.blobs[self.big["digest"]]
        self.fake_registry.blobs[self.big["digest"]] = good[:-1] + bytes([good[-1] ^ 1])
        self.assertIn("filesystem layer verification failed for digest " + self.big["digest"], self.refused())
        self.fake_registry.blobs[self.big["digest"]] = good + b"x"
        self.assertIn("is larger than the", self.refused())
        self.fake_registry.blobs[self.big["digest"]] = good
        self.assertEqual(self.pull().code, 0)
        self.assertEqual(self.engine("images", "-q", "--no-trunc"), self.image)

    def test_a_layer_that_is_not_that_of_the_config(self):
        blob = gzip.compress(b"\0" * 1024)
        self.fake_registry.blobs[digest_of(blob)] = blob
        self.document["layers"][0] |= {"digest": digest_of(blob), "size": len(blob)}
        self.set_manifest(self.document)
        self.assertIn("invalid diffID: expected sha256:", self.refused())
        self.document["layers"].pop()
        self.set_manifest(self.document)
        self.assertEqual(self.refused(), "layers from manifest don't match image configuration")

    def test_manifests_that_are_none(self):
        for text, error in [(b"{", "unexpected end"), (b"[]", "not an object"), (b'{"schemaVersion":1}', "it is of schema 1"),
                            (b'{"schemaVersion":2,"config":{},"layers":[]}', "config: bad digest"), (b" " * (5 << 20), "is larger than")]:
            self.set_manifest(text)
            self.assertIn(error, self.refused())

    def test_a_transfer_that_breaks_goes_on(self):
        half = self.big["size"] // 2
        data = self.fake_registry.blobs[self.big["digest"]]

        def cut(handler):
            handler.cut(200, data[:half], len(data))
        cut.part = self.big["digest"]
        self.fake_registry.faults.append(cut)
        done = self.pull()
        self.assertEqual(done.code, 0, done)
        asked = [headers.get("Range") for _, _, headers in self.fake_registry.requests(self.big["digest"])]
        self.assertEqual(asked, [None, f"bytes={half}-"])

    def test_an_interrupted_pull_is_resumed_by_the_next(self):
        half = self.big["size"] // 2
        for how in (signal.SIGKILL, signal.SIGINT):
            self.fake_registry.log.clear()
            self.fake_registry.faults.append(self.hang())
            process = self.engine.popen("pull", self.name, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            kept = self.path("store/strata/blobs", self.big["digest"].removeprefix("sha256:"))
            self.wait_until(lambda: self.fake_registry.requests(self.big["digest"]) and os.path.getsize(kept) >= half, "half of the blob")
            process.send_signal(how)
            code = process.wait(PATIENCE)
            self.assertEqual(code, -how if how == signal.SIGKILL else 130)
            self.assertGreaterEqual(os.path.getsize(kept), half)
            self.release()
            os.truncate(kept, half)
        self.fake_registry.log.clear()
        self.assertEqual(self.pull().code, 0)
        asked = [headers.get("Range") for _, _, headers in self.fake_registry.requests(self.big["digest"])]
        self.assertEqual(asked, [f"bytes={half}-"])
        self.assertEqual(self.engine("images", "-q", "--no-trunc"), self.image)

    def hang(self):
        """A fault: gives half of the big blob, and then nothing until release()."""
        half, data, event = self.big["size"] // 2, self.fake_registry.blobs[self.big["digest"]], threading.Event()
        self.release = event.set

        def fault(handler):
            begin = int((handler.headers.get("Range") or "bytes=0-").removeprefix("bytes=").removesuffix("-"))
            if begin:
                handler.cut(206, b"", len(data) - begin, Content_Range=f"bytes {begin}-{len(data) - 1}/{len(data)}")
            else:
                handler.cut(200, data[:half], len(data))
            handler.wfile.flush()
            event.wait(5 * PATIENCE)
        fault.part = self.big["digest"]
        return fault

    def test_a_server_without_ranges(self):
        kept = self.path("store/strata/blobs")
        self.engine("images")
        os.makedirs(kept)
        with open(os.path.join(kept, self.big["digest"].removeprefix("sha256:")), "wb") as file:
            file.write(self.fake_registry.blobs[self.big["digest"]][:1000])
        self.fake_registry.ranges = False
        self.assertEqual(self.pull().code, 0)

    def test_leftovers_that_are_wrong_do_no_lasting_harm(self):
        self.engine("images")
        os.makedirs(self.path("store/strata/blobs"))
        with open(self.path("store/strata/blobs", self.big["digest"].removeprefix("sha256:")), "wb") as file:
            file.write(b"x" * 1000)
        self.refused()
        self.assertEqual(self.pull().code, 0)

    def test_a_busy_server_is_asked_again(self):
        def busy(handler):
            handler.reply(429, b'{"errors":[{"code":"TOOMANYREQUESTS","message":"slow down"}]}', Retry_After="1")

        def broken(handler):
            handler.reply(503)
        busy.kind = broken.kind = "manifests"
        self.fake_registry.faults += [busy, broken]
        begin = time.monotonic()
        self.assertEqual(self.pull().code, 0)
        self.assertGreaterEqual(time.monotonic() - begin, 1.5)

    def test_refusals_are_told(self):
        for status, body, error in [
                (401, b"", "received unexpected HTTP status: 401 Unauthorized"),
                (403, b'{"errors":[{"code":"DENIED","message":"requested access to the resource is denied"}]}',
                 f"pull access denied for {self.fake_registry.host}/x, repository does not exist or may require 'docker login': "
                 "denied: requested access to the resource is denied"),
                (404, b"no \x1b[31mpage\n", f"manifest for {self.name} not found: received unexpected HTTP status: 404 Not Found: no  [31mpage"),
                (418, b"", "received unexpected HTTP status: 418 I'm a Teapot")]:
            def refuse(handler, status=status, body=body):
                handler.reply(status, body)
            refuse.kind = "manifests"
            self.fake_registry.faults[:] = [refuse] * (2 if status == 401 else 1)
            self.assertEqual(self.refused(), error)
            self.fake_registry.faults.clear()

    def test_redirects(self):
        other = self.fake()
        other.blobs = self.fake_registry.blobs

        def away(handler):
            handler.reply(307, Location=f"http://{other.host}{handler.path}")
        self.fake_registry.faults += [away] * 4
        self.assertEqual(self.pull().code, 0)
        self.assertEqual(len(other.requests("/blobs/")), 4)

        def circle(handler):
            handler.reply(302, Location=handler.path)
        self.engine("rmi", self.name)
        self.fake_registry.faults += [circle] * 100
        self.assertIn("stopped after 10 redirects", self.pull().err)

    def test_what_a_failed_pull_has_kept_goes_with_a_prune(self):
        data = self.fake_registry.blobs[self.big["digest"]]

        def cut(handler):
            handler.cut(200, data[:len(data) // 2], len(data))

        def refuse(handler):
            handler.reply(403)
        cut.part = refuse.part = self.big["digest"]
        self.fake_registry.faults += [cut, refuse]
        self.assertEqual(self.pull().code, 1)
        self.assertNotEqual(os.listdir(self.path("store/strata/blobs")), [])
        self.assertIn("Total reclaimed space: ", self.engine("system", "prune", "-f"))
        self.assertEqual(os.listdir(self.path("store/strata/blobs")), [])

    def test_an_endless_error_is_not_read_to_its_end(self):
        def endless(handler):
            handler.reply(404, b"x" * (2 << 20))
        endless.kind = "manifests"
        self.fake_registry.faults.append(endless)
        self.assertEqual(self.refused(), "an error of the registry is longer than 1048576 bytes")

    def test_limits(self):
        self.assertIn("is larger than 1048576 bytes", self.refused("--max-layer-size", "1m"))

    def test_two_pulls_download_once(self):
        processes = [self.engine.popen("pull", "-q", self.name, stdout=subprocess.DEVNULL) for _ in range(2)]
        self.assertEqual([process.wait(60) for process in processes], [0, 0])
        for layer in self.document["layers"]:
            self.assertEqual(len(self.fake_registry.requests(layer["digest"])), 1, layer)


class Lies(FaultCase):
    def test_a_blob_of_another_size(self):
        fake, _, big = self.faulty()
        right = fake.blobs[big["digest"]]
        fake.blobs[big["digest"]] = right[:-10]
        self.assertIn(f"blob {big['digest']} has {len(right) - 10} bytes, and not the {len(right)} of its manifest",
                      self.refused("pull", "-q", fake.host + "/x:1"))
        fake.blobs[big["digest"]] = right + b"more"
        self.assertIn(f"blob {big['digest']} is larger than the {len(right)} bytes of its manifest", self.refused("pull", "-q", fake.host + "/x:1"))
        fake.blobs[big["digest"]] = right
        self.engine("pull", "-q", fake.host + "/x:1")
        self.assert_store_sound("store", "--expect-clean")

    def test_bodies_without_end(self):
        fake, _, big = self.faulty()
        kept = fake.blobs[big["digest"]]  # then more

        def endless(handler):
            handler.send_response(200)
            handler.send_header("Transfer-Encoding", "chunked")
            handler.end_headers()
            try:
                if kept:
                    handler.wfile.write(b"%x\r\n%s\r\n" % (len(kept), kept))
                while True:
                    handler.wfile.write(b"10000\r\n" + b" " * 65536 + b"\r\n")
            except OSError:
                handler.close_connection = True
            handler.rfile.close()  # nothing else comes on this connection
        endless.part = big["digest"]
        fake.faults.append(endless)
        self.assertIn(f"is larger than the {big['size']} bytes of its manifest", self.refused("pull", "-q", fake.host + "/x:1"))
        kept = b""
        endless.kind, endless.part = "manifests", "/1"
        fake.faults[:] = [endless]
        self.assertIn("manifest 1 is larger than 4194304 bytes", self.refused("pull", "-q", fake.host + "/x:1"))

    def test_a_bomb(self):
        file = io.BytesIO()
        with tarfile.open(fileobj=file, mode="w") as tar:
            member = tarfile.TarInfo("zeros")
            member.size = 300 << 20
            tar.addfile(member, Zeros())
        tar = file.getvalue()
        blob = gzip.compress(tar, 9)
        config, manifest = one_layer(blob, tar)
        fake = self.fake()
        fake.blobs = {digest_of(data): data for data in (blob, config)}
        fake.manifests = {"1": (MANIFEST, manifest)}
        self.assertLess(len(blob), 1 << 20)
        self.assertIn("the layer without compression (--max-layer-size) is larger than 10485760 bytes",
                      self.refused("pull", "-q", "--max-layer-size", "10m", fake.host + "/x:1"))
        used = subprocess.run(["du", "-sk", self.path("store")], check=True, stdout=subprocess.PIPE).stdout
        self.assertLess(int(used.split()[0]), 2048)
        # Without a limit it is a layer like any other; one that is not what its config says is none.
        fake.blobs[digest_of(config)] = other = config.replace(digest_of(tar).encode(), digest_of(b"x").encode())
        fake.blobs[digest_of(other)] = other
        fake.manifests["1"] = (MANIFEST, manifest.replace(digest_of(config).encode(), digest_of(other).encode()))
        self.assertIn("invalid diffID", self.refused("pull", "-q", fake.host + "/x:1"))

    def test_schema_1(self):
        fake = self.fake()
        for kind in ("application/vnd.docker.distribution.manifest.v1+prettyjws", "application/json"):
            fake.manifests["1"] = (kind, b'{"schemaVersion":1,"name":"x","tag":"1","architecture":"amd64","fsLayers":[],"history":[]}')
            for words in (("pull", "-q", fake.host + "/x:1"), ("copy", f"docker://{fake.host}/x:1", f"oci:{self.path('layout')}"),
                          ("manifest", "inspect", fake.host + "/x:1")):
                self.assertIn("it is of schema 1, which is no longer supported", self.refused(*words))


class Zeros:
    def read(self, count):
        return bytes(count)


class TokenFake(FakeRegistry):
    """Wants a token of its own making; `good` is the one that counts. After `change` blobs it is another one."""

    def __init__(self):
        self.good, self.given, self.change = "t1", 0, None
        super().__init__()

    def answer(self, handler):
        if handler.path.startswith("/token"):
            with self.lock:
                self.given += 1
            return handler.reply(200, json.dumps({"token": self.good, "expires_in": 300}).encode())
        if not self.is_let_in(handler):
            return handler.reply(401, WWW_Authenticate=f'Bearer realm="http://{self.host}/token",service="x",scope="repository:x:pull"')
        return super().answer(handler)

    def is_let_in(self, handler):
        with self.lock:  # one after the other: those before the change are let in
            if "/blobs/" in handler.path and self.change is not None:
                self.change -= 1
                if self.change == 0:
                    self.good = "t2"
            return handler.headers.get("Authorization") == "Bearer " + self.good


class ChangesOfMind(FaultCase):
    def test_a_token_that_ends_in_the_midst_of_a_pull(self):
        server, image, _ = self.real(300_000)
        fake = TokenFake()
        self.addCleanup(fake.stop)
        fake.take(server, "x", "1")
        fake.change = 3
        self.engine("pull", "-q", fake.host + "/x:1")
        self.assertIn(fake.given, (2, 3))  # blobs that meet it at once each ask
        self.assertEqual(self.engine("images", "-q", "--no-trunc"), image)

    def test_a_token_that_is_never_good(self):
        fake = TokenFake()
        self.addCleanup(fake.stop)
        fake.manifests["1"] = (MANIFEST, b"{}")

        def always_other(handler):
            fake.good = "t" + str(fake.given + 1)
            return TokenFake.answer(fake, handler) if handler.path.startswith("/token") else handler.reply(
                401, WWW_Authenticate=f'Bearer realm="http://{fake.host}/token",service="x"')
        fake.answer = always_other
        self.assertIn("401 Unauthorized", self.refused("pull", "-q", fake.host + "/x:1"))
        self.assertLessEqual(fake.given, 3)


class Ends(FaultCase):
    def test_a_registry_that_is_killed_and_comes_back(self):
        server, image, big = self.real()

        def kill():
            server.stop(signal.SIGKILL)
            server.start()
        tap = Tap(server.host, big["size"] // 2, kill)
        self.addCleanup(tap.stop)
        self.engine("pull", "-q", tap.host + "/x:1")
        self.assertEqual(self.engine("images", "-q", "--no-trunc"), image)
        self.assertLess(tap.bytes, big["size"] + 400_000)  # not twice
        self.assertEqual([name for name in os.listdir(self.path("store/strata/blobs")) if name != "kept"], [])

    def test_a_registry_that_is_killed_for_good(self):
        server, image, big = self.real()
        tap = Tap(server.host, big["size"] // 2, lambda: server.stop(signal.SIGKILL))
        self.addCleanup(tap.stop)
        # Five tries would take their time: the user ends it. What has come stays.
        process = self.engine.popen("pull", "-q", tap.host + "/x:1", stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        blob = self.path("store/strata/blobs", big["digest"][7:])
        # What the Tap has sent may lie in the buffers of the connection for a while.
        self.wait_until(lambda: tap.limit is None and os.path.exists(blob) and os.path.getsize(blob) > 0, "some of the blob")
        self.assertIsNone(process.poll())
        seen = os.path.getsize(blob)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=PATIENCE)
        self.assertEqual((process.returncode, self.engine("images", "-q", "-a")), (130, ""), err)
        kept = os.path.getsize(blob)
        self.assertGreaterEqual(kept, seen)
        server.start()
        tap.bytes = 0
        self.engine("pull", "-q", tap.host + "/x:1")
        self.assertLess(tap.bytes, big["size"] - kept + 100_000)
        self.assertEqual(self.engine("images", "-q", "--no-trunc"), image)
        self.assert_store_sound("store", "--expect-clean")

    def test_a_full_disk(self):
        server, image, _ = self.real()
        root = self.path("small")
        os.mkdir(root)
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", root], check=True)
        self.addCleanup(subprocess.run, ["umount", "-l", root], check=True)
        engine = self.strata("small/store")
        done = engine.run("pull", "-q", server.host + "/x:1")
        self.assertEqual(done.code, 1, done)
        self.assertRegex(done.err, r"^[^\n]*no space left on device\n$")
        self.assertEqual(engine("images", "-q", "-a"), "")
        subprocess.run(["mount", "-o", "remount,size=64m", root], check=True)
        engine("pull", "-q", server.host + "/x:1")
        self.assertEqual(engine("images", "-q", "--no-trunc"), image)
        self.assert_store_sound("small/store", "--expect-clean")


if __name__ == "__main__":
    unittest.main()
