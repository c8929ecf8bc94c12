"""The base class of tests that work with registries: real ones and fake ones, and users with a home of their own."""
import hashlib
import json
import os
import re
import subprocess

from tests.support.case import StoreCase
from tests.support.engine import Strata
from tests.support.fake_registry import FakeRegistry
from tests.support.registry import Registry


class RegistryCase(StoreCase):
    def registry(self, name="registry", **options):
        registry = Registry(self.path(name), **options)
        self.addCleanup(registry.close)
        return registry.start()

    def fake(self):
        fake = FakeRegistry()
        self.addCleanup(fake.stop)
        return fake

    def strata(self, root="store"):
        engine = Strata(self.path(root))
        inner = engine.environment
        home = self.path("home")
        engine.environment = lambda: {k: v for k, v in inner().items() if k not in ("DOCKER_CONFIG", "XDG_CONFIG_HOME")} | {
            "HOME": home, "REGISTRY_AUTH_FILE": os.path.join(home, "auth.json"), "NO_PROXY": "*",
            "PATH": home + ":" + os.environ["PATH"]}
        os.makedirs(home, exist_ok=True)
        return engine

    def build(self, engine, name, seed=b"", big=300_000):
        """An image of three layers, one of them of bytes that do not compress."""
        noise = b"".join(hashlib.sha256(seed + str(i).encode()).digest() for i in range(big // 32))
        context = self.context({"Dockerfile": "FROM scratch\nCOPY a /a\nCOPY b /b\nENV X=1\nCOPY a /c\n", "a": b"hello\n" * 1000,
                                "b": noise})
        engine("build", "-q", "-t", name, context)
        return engine("images", "-q", "--no-trunc", name)

    def lines(self, text):
        """Without the digests and IDs of this run."""
        return re.sub(r"sha256:[0-9a-f]{64}", "DIGEST", re.sub(r"(?m)^[0-9a-f]{12}:", "LAYER:", text)).splitlines()

    def digest(self, engine, name):
        return json.loads(engine("image", "inspect", name))[0]["RepoDigests"][0].split("@")[1]

    def certificate(self, name, *extensions, ca="ca"):
        """NAME.pem and NAME.key in the test's folder, signed by an authority that is made with the first one."""
        run = lambda *words: subprocess.run(words, check=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=self.folder)
        if not os.path.exists(self.path(ca + ".key")):
            run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=" + ca, "-days", "2", "-keyout", ca + ".key", "-out", ca + ".crt")
        run("openssl", "req", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=" + name, "-keyout", name + ".key", "-out", name + ".request")
        with open(self.path(name + ".extensions"), "w") as file:
            file.write("".join(line + "\n" for line in extensions))
        run("openssl", "x509", "-req", "-in", name + ".request", "-CA", ca + ".crt", "-CAkey", ca + ".key", "-CAcreateserial", "-days", "2",
            "-extfile", name + ".extensions", "-out", name + ".pem")
        return self.path(name + ".pem"), self.path(name + ".key")
