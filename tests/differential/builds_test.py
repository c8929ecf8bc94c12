"""Every Dockerfile of tests/data/builds, built by Strata, by dockerd's classic builder and by BuildKit: what comes out is the same.

Compared are the root file systems (type, mode, owner, size, content, link target, attributes, hard-link groups, devices), the
config of the image, and with the classic builder the history. A line `# compare: buildkit` (or `classic`) at the top names the only one
that knows the syntax or does what docs/differences.md promises.
"""
import bz2
import concurrent.futures
import glob
import gzip
import inspect
import io
import json
import lzma
import os
import re
import shutil
import subprocess
import tarfile
import tempfile
import unittest

from tests.support import rootfs, tree
from tests.support.case import IN_MEMORY, StoreCase
from tests.support.dockerd import Dockerd
from tests.support.engine import REPOSITORY, Strata
from tests.support.known import Known

DOCKERFILES = os.path.join(REPOSITORY, "tests/data/builds")
CONFIG = ("User", "ExposedPorts", "Env", "Cmd", "Healthcheck", "Volumes", "WorkingDir", "Entrypoint", "OnBuild", "Labels", "StopSignal", "Shell")
AT_ONCE = 3  # builds of one engine


def archive(prefix):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        rootfs.add(tar, f"{prefix}", tarfile.DIRTYPE, 0o750)
        rootfs.add_file(tar, f"{prefix}/file", "from the archive\n", 0o600, uid=1000, gid=50)
        rootfs.add(tar, f"{prefix}/link", tarfile.SYMTYPE, 0o777, "file")
        rootfs.add(tar, f"{prefix}/hard", tarfile.LNKTYPE, 0o600, f"{prefix}/file")
        rootfs.add(tar, f"{prefix}/pipe", tarfile.FIFOTYPE, 0o644)
        rootfs.add_file(tar, "top", "top\n", 0o4755)
    return buffer.getvalue()


def make_context(folder):
    """What the Dockerfiles copy from."""
    tar = archive("in")
    files = {"a.txt": "first\n", "b.txt": "second\n", "run.sh": "#!/bin/sh\necho ran\n", "with space.txt": "spaced\n", ".hidden": "hidden\n", "hid/.h": "h\n",
             "hid/v": "v\n", "d/x": "x\n", "d/e/y": "y\n" * 1000, "d2/z": "z\n", "big.bin": bytes(range(256)) * 8192, "links/target": "t\n",
             "modes/read-only": "r", "modes/all": "a", "modes/program": "p", "arch.tar": tar, "arch2.tar": archive("two"), "arch.tar.gz": gzip.compress(tar),
             "arch.tar.bz2": bz2.compress(tar), "arch.tar.xz": lzma.compress(tar), "not.tar.gz": gzip.compress(b"plain text\n" * 100), "plain.gz": gzip.compress(b"x")}
    for name, content in files.items():
        path = os.path.join(folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(content.encode() if isinstance(content, str) else content)
    os.makedirs(os.path.join(folder, "d/empty"))
    for name, target in (("link", "a.txt"), ("d/abs", "/etc/passwd"), ("links/rel", "target"), ("links/gone", "nowhere"), ("links/up", "../a.txt"), ("tarlink", "arch.tar")):
        os.symlink(target, os.path.join(folder, name))
    for name, mode in (("a.txt", 0o640), ("run.sh", 0o755), ("modes/read-only", 0o444), ("modes/all", 0o777), ("modes/program", 0o711), ("d/e", 0o750), ("d2", 0o700)):
        os.chmod(os.path.join(folder, name), mode)


class Builder:
    """One way to build; the images are called n0:1, n1:1, ... in its store."""

    def __init__(self, name, engine, buildkit=False):
        self.name, self.engine, self.buildkit = name, engine, buildkit

    def build(self, tag, dockerfile, context):
        environment = self.engine.environment() | ({"DOCKER_BUILDKIT": "1"} if self.buildkit else {})
        progress = ["--progress=plain"] if self.buildkit else []
        done = subprocess.run([*self.engine.command(), "build", *progress, "--network", "none", "-t", tag, "-f", dockerfile, context],
                              env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=300)
        return done.returncode, done.stdout.decode(errors="replace")


class Builds(StoreCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="strata-builds-", dir=IN_MEMORY)
        cls.addClassCleanup(shutil.rmtree, cls.folder, ignore_errors=True)
        cls.files = sorted(glob.glob(os.path.join(DOCKERFILES, "*.Dockerfile")))
        cls.context = os.path.join(cls.folder, "context")
        make_context(cls.context)
        cls.ours, cls.theirs = Strata(os.path.join(cls.folder, "ours")), Dockerd(os.path.join(cls.folder, "theirs"))
        cls.base = rootfs.busybox(os.path.join(cls.folder, "base.tar"))
        cls.addClassCleanup(cls.theirs.__exit__)
        cls.ours("import", cls.base, "bb:1")
        cls.strata = Builder("strata", cls.ours)
        cls.others = [Builder("classic", cls.theirs), Builder("buildkit", cls.theirs, True)]
        cls.known = Known("builds_test")

    @classmethod
    def build_all(cls, builder, files):
        """path -> exit status and output."""
        with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
            return dict(zip(files, pool.map(lambda path: builder.build(cls.tag(path, builder), path, cls.context), files)))

    @staticmethod
    def only(path):
        with open(path, newline="") as file:
            found = re.match(r"# compare: (\w+)", file.read())
        return found and found[1]

    @staticmethod
    def tag(path, builder):
        return f"{os.path.basename(path).removesuffix('.Dockerfile')}:{builder.name}"

    def image(self, path, builder):
        """The config and files of what was built, both looked at by Strata."""
        strata = Strata(builder.engine.root)
        tag = self.tag(path, builder)
        config = json.loads(strata("image", "inspect", "--format", "{{json .Config}}", tag))
        # 20.10 forgets a blank behind --chown.
        history = [re.sub(r" ?(file|dir|multi):[0-9a-f]{64}", r" \1:<sum>", line) for line in strata("history", "--no-trunc", "--format", "{{.CreatedBy}}", tag).split("\n")]
        where = strata("image", "mount", tag)
        try:
            files = tree.snapshot(where, mtimes=False)
        finally:
            strata("image", "umount", tag)
        if config.get("WorkingDir") == "/":
            config["WorkingDir"] = ""  # BuildKit writes out what the empty one means
        return {key: config.get(key) or None for key in CONFIG}, files, history

    @staticmethod
    def answer(image, builder):
        """What `builder` must agree about: BuildKit writes another history."""
        return image if builder.name == "classic" else image[:2]

    @classmethod
    def question(cls, path, builder):
        with open(path, newline="") as file:
            return builder.name, file.read(), inspect.getsource(make_context), inspect.getsource(archive)

    def test_every_dockerfile(self):
        self.assertGreaterEqual(len(self.files), 150)
        ours = {}
        for path, (code, output) in self.build_all(self.strata, self.files).items():
            with self.subTest(os.path.basename(path), builder="strata"):
                self.assertEqual(code, 0, output)
                ours[path] = self.image(path, self.strata)
        asked = {}
        for builder in self.others:
            asked[builder] = [path for path in ours if self.only(path) in (None, builder.name)
                              and not self.known.agrees(self.question(path, builder), self.answer(ours[path], builder))]
        if any(asked.values()):
            self.ask(asked, ours)

    def ask(self, asked, ours):
        """Has the real ones build, `asked`: builder -> Dockerfiles, and compares."""
        with self.theirs:  # stopped afterwards: then Strata may mount what is in its store
            self.theirs("import", self.base, "bb:1")
            results = {builder: self.build_all(builder, files) for builder, files in asked.items()}
        for builder, built in results.items():
            for path, (code, output) in built.items():
                with self.subTest(os.path.basename(path), builder=builder.name):
                    self.assertEqual(code, 0, output)
                    theirs = self.image(path, builder)
                    self.assertEqual(ours[path][0], theirs[0])
                    self.assertEqual(tree.differences(ours[path][1], theirs[1]), [], "(first Strata)")
                    self.assertEqual(self.answer(ours[path], builder)[2:], self.answer(theirs, builder)[2:])
                    self.known.note(self.question(path, builder), self.answer(theirs, builder))


if __name__ == "__main__":
    unittest.main()
