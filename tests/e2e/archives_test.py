"""Archives of every format that docker reads, wherever one may be given: ADD, import, a build context on stdin."""
import bz2
import gzip
import io
import json
import lzma
import os
import subprocess
import tarfile
import unittest

from tests.support import rootfs, sample
from tests.support.case import StoreCase

FROM = f"FROM {sample.BASE}\n"


def zstd(data):
    return subprocess.run(["zstd", "-q", "-c"], input=data, stdout=subprocess.PIPE, check=True).stdout


COMPRESS = {"plain": bytes, "gzip": gzip.compress, "bzip2": bz2.compress, "xz": lzma.compress, "zstd": zstd}


def archive(files):
    """A tar of regular files, name -> content."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, content in files.items():
            rootfs.add_file(tar, name, content)
    return buffer.getvalue()


class Archives(StoreCase):
    def setUp(self):
        super().setUp()
        self.engine = self.strata()
        self.engine("import", rootfs.busybox(self.path("base.tar")), sample.BASE)

    def run_in(self, image, *words):
        return self.engine("run", "--rm", "--network", "none", image, *words)

    def test_add_unpacks_every_format(self):
        content = os.urandom(700_000)
        for name, compress in COMPRESS.items():
            with self.subTest(name):
                folder = self.context({"Dockerfile": FROM + "ADD a /o/\n", "a": compress(archive({"d/x": content, "y": "y\n"}))})
                self.engine("build", "--network", "none", "-t", "added:1", folder)
                self.assertEqual(sorted(self.run_in("added:1", "find", "/o", "-type", "f").split()), ["/o/d/x", "/o/y"])
                self.assertEqual(self.run_in("added:1", "cat", "/o/y"), "y")
                self.assertEqual(self.run_in("added:1", "wc", "-c", "/o/d/x").split()[0], "700000")
        self.assert_store_sound("store", "--expect-clean")

    def test_add_copies_what_is_no_archive_in_any_format(self):
        for name, compress in COMPRESS.items():
            with self.subTest(name):
                folder = self.context({"Dockerfile": FROM + "ADD text /o/\n", "text": compress(b"not an archive\n" * 99)})
                self.engine("build", "--network", "none", "-t", "copied:1", folder)
                self.assertEqual(self.run_in("copied:1", "find", "/o", "-type", "f"), "/o/text")

    def test_import_gives_the_same_layer_whatever_the_compression(self):
        data, layers = archive({"etc/file": b"x" * 300_000}), set()
        for name, compress in COMPRESS.items():
            self.engine("import", "-", f"imported:{name}", stdin=compress(data))
            layers.add(self.engine("inspect", "--format", "{{.RootFS.Layers}}", f"imported:{name}"))
        self.assertEqual(len(layers), 1, layers)
        self.assert_store_sound("store", "--expect-clean")

    def test_contexts_on_stdin(self):
        data = archive({"Dockerfile": FROM + "COPY f /f\n", "f": "from the archive\n"})
        for name, compress in COMPRESS.items():
            with self.subTest(name):
                self.engine("build", "--network", "none", "-t", "context:1", "-", stdin=compress(data))
                self.assertEqual(self.run_in("context:1", "cat", "/f"), "from the archive")

    def test_damage_is_named_and_nothing_is_left(self):
        data = archive({"Dockerfile": FROM, "x": os.urandom(400_000)})
        before = self.store().fingerprint()
        for name, compress in COMPRESS.items():
            whole = compress(data)
            damaged = bytearray(whole)
            damaged[len(whole) // 2] ^= 0xff
            cases = [(whole[:len(whole) // 2], "unexpected EOF")]
            if name != "plain":  # bzip2 gives out a block before it can know that it is damaged
                cases.append((bytes(damaged), f"{name}: |invalid tar header: wrong checksum"))
            for stdin, message in cases:
                for arguments in (("import", "-", "bad:1"), ("build", "--network", "none", "-")):
                    with self.subTest(f"{name} {arguments[0]}"):
                        result = self.engine.run(*arguments, stdin=stdin)
                        self.assertEqual((result.code, len(result.err.splitlines())), (1, 1), result)
                        self.assertRegex(result.err, message)
                        after = self.store().fingerprint()
                        changed = {path for path in before.keys() | after.keys() if before.get(path) != after.get(path)}
                        self.assertEqual(changed - {"image/overlay2/layerdb/tmp/"}, set())

    def test_a_bomb_ends_at_the_limit(self):
        """256 MiB of zeros in a few bytes: refused at --max-layer-size, with little memory, and nothing stays."""
        size = 256 << 20
        header = tarfile.TarInfo("zeros")
        header.size = size

        def bomb(command):  # in small pieces: a child's memory is counted from the size of its parent on
            with open(self.path("bomb"), "wb") as out, subprocess.Popen(command, stdin=subprocess.PIPE, stdout=out) as process:
                process.stdin.write(header.tobuf())
                for _ in range(size >> 20):
                    process.stdin.write(bytes(1 << 20))
            with open(self.path("bomb"), "rb") as file:
                return file.read()

        packed = {name: bomb(command) for name, command in (("gzip", ["gzip"]), ("xz", ["xz", "-0"]), ("zstd", ["zstd", "-q", "-c"]))}
        before = self.store().fingerprint()
        for name, data in packed.items():
            self.assertLess(len(data), 4 << 20, name)
            with self.subTest(name):
                folder = self.context({"Dockerfile": "FROM scratch\nADD bomb /\n", "bomb": data})
                bomb_file = os.path.join(folder, "bomb")
                archive = self.path("bomb.tar")
                config = json.dumps({"os": "linux", "architecture": "amd64", "rootfs": {"type": "layers", "diff_ids": ["sha256:" + "0" * 64]}})
                with tarfile.open(archive, "w") as tar:
                    rootfs.add_file(tar, "manifest.json", json.dumps([{"Config": "c.json", "RepoTags": ["b:1"], "Layers": ["l"]}]))
                    rootfs.add_file(tar, "c.json", config)
                    tar.add(bomb_file, "l")
                limit = "without compression (--max-layer-size) is larger than 8388608 bytes"
                for command, operands in (("load", ("-i", archive)), ("import", (bomb_file,)), ("build", (folder,))):
                    process = self.engine.popen(command, "--max-layer-size", "8m", *operands, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
                    with process.stderr:
                        message = process.stderr.read().decode()
                    _, status, usage = os.wait4(process.pid, 0)
                    process.returncode = os.waitstatus_to_exitcode(status)
                    self.assertEqual((process.returncode, len(message.splitlines())), (1, 1), message)
                    self.assertIn("(--max-layer-size) is larger than 8388608 bytes" if command == "import" else limit, message)
                    self.assertLess(usage.ru_maxrss, 64 << 10, f"KiB of memory for {command}")
        self.assertEqual(self.store().fingerprint(), before)


if __name__ == "__main__":
    unittest.main()
