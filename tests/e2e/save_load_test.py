"""Images leave a store and come into another: every form, every way in, and what is refused."""
import bz2
import gzip
import hashlib
import io
import json
import lzma
import os
import pty
import signal
import subprocess
import tarfile

from tests.support import rootfs
from tests.support.case import PATIENCE, StoreCase
from tests.support.pipes import is_empty


def tar_of(members):
    """A tar of name -> bytes, or name -> "target" for a symbolic link."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, content in members.items():
            if isinstance(content, str):
                rootfs.add(tar, name, tarfile.SYMTYPE, 0o777, content)
            else:
                rootfs.add_file(tar, name, content)
    return buffer.getvalue()


def digest(data):
    return hashlib.sha256(data).hexdigest()


class SaveLoad(StoreCase):
    def setUp(self):
        super().setUp()
        self.engine = self.strata()
        self.other = self.strata("other")
        self.engine("import", rootfs.busybox(self.path("base.tar")), "app:1")
        self.engine("build", "-t", "app:2", self.context({"Dockerfile": "FROM app:1\nCOPY x y /\nRUN rm /x\nLABEL a=b\n",
                                                          "x": "x" * 5000, "y": "y"}), "--network", "none")

    def write(self, name, data):
        with open(self.path(name), "wb") as file:
            file.write(data)
        return self.path(name)

    def read(self, name):
        with open(self.path(name), "rb") as file:
            return file.read()

    def save(self, name, *arguments, engine=None):
        (engine or self.engine)("save", "-o", self.path(name), *arguments)
        return self.path(name)

    # ---- there and back

    def test_every_form_comes_back_the_same(self):
        for form in ("docker", "docker-archive", "oci", "oci-dir"):
            with self.subTest(form):
                out = self.save(form, "--format", form, "app")
                other = self.strata(form + ".store")
                self.assertEqual(other("load", "-i", out), "Loaded image: app:1\nLoaded image: app:2")
                self.assertEqual(self.store(form + ".store").tags(), self.store().tags())
                self.assert_store_sound(form + ".store", "--expect-clean")
                self.assertEqual(self.read(self.save("again", "app", engine=other)), self.read(self.save("docker.tar", "app")))

    def test_every_way_in(self):
        out = self.save("app.tar", "app:2")
        data = self.read("app.tar")
        packed = self.write("app.tgz", gzip.compress(data))
        zstd = subprocess.run(["zstd", "-q", "-c"], input=data, stdout=subprocess.PIPE, check=True).stdout
        for number, (arguments, stdin) in enumerate(((("-i", out), b""), (("-i", packed), b""), ((), data), ((), gzip.compress(data)),
                                                     ((), bz2.compress(data)), ((), lzma.compress(data, preset=0)), ((), zstd),
                                                     (("-q",), data), (("--input", out, "--quiet"), b""))):
            with self.subTest(arguments):
                root = f"way{number}"
                self.assertEqual(self.strata(root)("load", *arguments, stdin=stdin), "Loaded image: app:2")
                self.assert_store_sound(root, "--expect-clean")
        with open(out, "rb") as file:  # a redirected file is read in place
            done = subprocess.run([*self.other.command(), "image", "load"], stdin=file, stdout=subprocess.PIPE, check=True)
        self.assertEqual(done.stdout, b"Loaded image: app:2\n")
        self.assertEqual(os.listdir(self.path("other/strata/leases")), [])
        self.assertEqual({name for name in os.listdir(self.path("other/strata")) if not name.endswith("lock")}, {"leases", "repositories.json", "unsynced", "version"})

    def test_the_same_save_gives_the_same_bytes_and_each_layer_once(self):
        data = self.read(self.save("one.tar", "app"))
        self.assertEqual(data, self.engine.run("save", "app:1", "app:2").out.encode(errors="surrogateescape"))
        with tarfile.open(self.path("one.tar")) as tar:
            names = tar.getnames()
            self.assertEqual({member.mtime for member in tar}, {0})
            index, manifest, repositories = (json.load(tar.extractfile(name)) for name in
                                             ("index.json", "manifest.json", "repositories"))
            for name in names:
                if tar.getmember(name).isfile() and name.startswith("blobs/"):
                    self.assertEqual(digest(tar.extractfile(name).read()), os.path.basename(name))
        self.assertEqual(len(names), len(set(names)))
        tags = self.store().tags()
        self.assertEqual([item["RepoTags"] for item in manifest], [["app:1"], ["app:2"]])
        self.assertEqual([item["Config"] for item in manifest], [f"blobs/sha256/{tags[tag]}" for tag in ("app:1", "app:2")])
        self.assertEqual([entry["annotations"] for entry in index["manifests"]],
                         [{"io.containerd.image.name": f"docker.io/library/app:{tag}", "org.opencontainers.image.ref.name": tag}
                          for tag in "12"])
        self.assertEqual(repositories, {"app": {tag: self.store().diff_ids(tags["app:" + tag])[-1] for tag in "12"}})

    def test_an_image_by_its_id_has_no_name(self):
        image = self.engine("images", "-q", "--no-trunc", "app:2")
        self.save("id.tar", image)
        self.assertEqual(self.other("load", "-i", self.path("id.tar")), "Loaded image ID: " + image)

    def test_a_name_that_moves_is_told(self):
        self.save("app.tar", "app:2")
        self.other("import", self.path("base.tar"), "app:2")
        old = self.other("images", "-q", "--no-trunc")
        self.assertEqual(self.other("load", "-i", self.path("app.tar")),
                         f"The image app:2 already exists, renaming the old one with ID {old} to empty string\nLoaded image: app:2")
        self.assertEqual(self.other("load", "-i", self.path("app.tar")), "Loaded image: app:2")

    def test_since_leaves_out_what_the_reader_has(self):
        self.save("base-only.tar", "app:1")
        out = self.save("rest.tar", "--since", "app:1", "app:2")
        self.assertLess(os.path.getsize(out), 100_000)
        refused = self.other.run("load", "-i", out)
        self.assertEqual(refused.code, 1)
        self.assertRegex(refused.err, r"^load \S+: blobs/sha256/[0-9a-f]{64}: layer sha256:[0-9a-f]{64} is neither in the "
                                      r"archive nor in the store\n$")
        self.other("load", "-i", self.path("base-only.tar"))
        self.other("load", "-i", out)
        self.assertEqual(self.store("other").tags(), self.store().tags())
        self.assert_store_sound("other", "--expect-clean")

    def test_a_loaded_image_runs(self):
        self.save("app.tar", "app:2")
        self.other("load", "-i", self.path("app.tar"))
        self.assertEqual(self.other("run", "--rm", "--network", "none", "app:2", "sh", "-c", "cat /y; ls /x 2>&1"
                                    " || true"), "yls: /x: No such file or directory")

    # ---- older forms

    def test_docker_20_writes_a_layer_twice_as_a_link(self):
        layer = tar_of({"f": b"1"})
        config = {"architecture": "amd64", "os": "linux", "rootfs": {"type": "layers", "diff_ids": ["sha256:" + digest(layer)] * 2}}
        text = json.dumps(config).encode()
        data = tar_of({"1/layer.tar": layer, "2/layer.tar": "../1/layer.tar", digest(text) + ".json": text, "manifest.json":
                       json.dumps([{"Config": digest(text) + ".json", "RepoTags": ["old:1"],
                                    "Layers": ["1/layer.tar", "2/layer.tar"]}]).encode()})
        self.assertEqual(self.other("load", stdin=data), "Loaded image: old:1")
        self.assert_store_sound("other", "--expect-clean")

    def test_docker_1_9_has_a_directory_for_each_layer(self):
        data = tar_of({"b/json": json.dumps({"id": "b", "parent": "a", "docker_version": "1.9.1", "os": "linux",
                                             "created": "2015-01-03T03:04:05Z"}).encode(), "b/layer.tar": tar_of({"g": b"2"}),
                       "a/json": json.dumps({"id": "a", "docker_version": "1.7.0", "created": "2015-01-02T03:04:05Z"}).encode(),
                       "a/layer.tar": tar_of({"f": b"1"}), "repositories": b'{"old":{"1":"b"}}'})
        self.assertEqual(self.other("load", stdin=data).splitlines()[-1], "Loaded image: old:1")
        self.assertEqual(len(self.other("history", "-q", "old:1").splitlines()), 2)
        self.assert_store_sound("other", "--expect-clean")

    def test_as_many_layers_as_there_may_be_need_few_open_files(self):
        layers = {f"{number}.tar": tar_of({f"f{number}": b"x"}) for number in range(126)}

        def archive(count):
            names = list(layers)[:count]
            config = {"os": "linux", "rootfs": {"type": "layers", "diff_ids": ["sha256:" + digest(layers[name]) for name in names]}}
            manifest = [{"Config": "c.json", "RepoTags": ["deep:1"], "Layers": names}]
            return tar_of(layers | {"c.json": json.dumps(config).encode(), "manifest.json": json.dumps(manifest).encode()})

        refused = self.other.run("load", stdin=archive(126))
        self.assertEqual((refused.code, refused.err), (1, "load -: c.json: max depth exceeded\n"))
        words = ["sh", "-c", 'ulimit -Sn 64; exec "$@"', "sh", *self.other.command(), "load"]
        done = subprocess.run(words, input=archive(125), stdout=subprocess.PIPE, check=True)
        self.assertEqual(done.stdout, b"Loaded image: deep:1\n")
        self.assert_store_sound("other", "--expect-clean")

    # ---- refusals

    def test_a_damaged_layer_is_not_saved(self):
        image = self.store().tags()["app:2"]
        layer = self.store().layers(image)[1]
        with open(os.path.join(layer.diff, "y"), "w") as file:
            file.write("z")
        for arguments in (("-o", self.path("out.tar")), ("--format", "oci-dir", "-o", self.path("out"))):
            result = self.engine.run("save", *arguments, "app:2")
            self.assertEqual(result.code, 1)
            self.assertRegex(result.err, 'layer sha256:[0-9a-f]{64}: file integrity checksum failed for "y"\n$')
        self.assertEqual(sorted(os.listdir(self.folder)), ["base.tar", "context", "store"])

    def test_no_archive_goes_to_a_terminal_and_none_comes_from_one(self):
        for arguments, message in ((("save", "app"), b"cowardly refusing to save to a terminal. Use the -o flag or redirect"),
                                   (("load",), b"requested load from stdin, but stdin is empty")):
            with self.subTest(arguments):
                leader, follower = pty.openpty()
                process = self.engine.popen(*arguments, stdin=follower, stdout=follower, stderr=subprocess.PIPE)
                err = process.communicate(timeout=PATIENCE)[1]
                os.close(leader)
                os.close(follower)
                self.assertEqual((process.returncode, err), (1, message + b"\n"))

    def test_an_output_file_is_whole_or_absent(self):
        self.write("kept", b"old")
        listing = sorted(os.listdir(self.folder))
        for arguments, message in ((("app:9",), "reference does not exist"), (("nope",), "No such image: nope"),
                                   (("app:1", "--since", "nope"), "No such image: nope:latest"),
                                   (("sha256:000000000000",), "No such image: sha256:000000000000"),
                                   (("Bad",), "invalid reference format: repository name must be lowercase")):
            with self.subTest(arguments):
                result = self.engine.run("save", "-o", self.path("kept"), *arguments)
                self.assertEqual((result.code, result.err), (1, f"Error response from daemon: {message}\n"))
                self.assertEqual((self.read("kept"), sorted(os.listdir(self.folder))), (b"old", listing))
        for path, message in (("/nope/x", 'failed to save image: invalid output path: directory "/nope" does not exist'),
                              ("/dev/null", 'failed to save image: invalid output path: "/dev/null" must be a directory or a '
                                            "regular file: got a device"), (self.folder, f"{self.folder}: is a directory")):
            result = self.engine.run("save", "-o", path, "app")
            self.assertEqual((result.code, result.err), (1, message + "\n"))
        self.save("kept", "app:1")
        self.assertEqual(os.stat(self.path("kept")).st_mode & 0o7777, 0o600)

    def test_a_layout_goes_into_an_empty_directory_only(self):
        os.makedirs(self.path("full/x"))
        result = self.engine.run("save", "--format", "oci-dir", "-o", self.path("full"), "app")
        self.assertEqual((result.code, result.err), (1, f"save {self.path('full')}: directory not empty\n"))
        result = self.engine.run("save", "--format", "oci-dir", "app")
        self.assertEqual((result.code, result.err), (1, "save: --format oci-dir needs -o DIR\n"))
        os.mkdir(self.path("empty"))
        result = self.engine.run("save", "--format", "oci-dir", "-o", self.path("empty"), "nope")
        self.assertEqual((result.code, os.listdir(self.path("empty"))), (1, []))
        self.save("empty", "--format", "oci-dir", "app")
        self.assertEqual(sorted(os.listdir(self.path("empty"))), ["blobs", "index.json", "oci-layout"])

    def assert_refused(self, data, message):
        """`load` gives one line and status 1; the store is as before."""
        before = self.store().fingerprint()
        for arguments, stdin in (((), data), (("-i", self.write("bad.tar", data)), b"")):
            result = self.engine.run("load", *arguments, stdin=stdin)
            name = arguments[1] if arguments else "-"
            self.assertEqual((result.code, len(result.err.splitlines()), result.out), (1, 1, ""), result)
            self.assertRegex(result.err, f"^load {name}: {message}$")
            after = self.store().fingerprint()
            changed = {path for path in before.keys() | after.keys() if before.get(path) != after.get(path)}
            self.assertEqual(changed - {"image/overlay2/layerdb/tmp/"}, set())
        self.assert_store_sound("store", "--expect-clean")

    def sample(self, **changes):
        """The members of an image of two layers, with some of them changed; None takes one away."""
        layers = [tar_of({"f": b"1" * 3000}), tar_of({"g": b"2" * 3000})]
        config = json.dumps({"architecture": "amd64", "os": "linux", "rootfs": {
            "type": "layers", "diff_ids": ["sha256:" + digest(layer) for layer in layers]}}).encode()
        members = {"config.json": config, "0.tar": layers[0], "1.tar": layers[1], "manifest.json": json.dumps(
            [{"Config": "config.json", "RepoTags": ["bad:1"], "Layers": ["0.tar", "1.tar"]}]).encode()}
        members |= {name.replace("_", "."): content for name, content in changes.items()}
        return tar_of({name: content for name, content in members.items() if content is not None})

    def test_archives_that_are_wrong_change_nothing(self):
        sound = self.sample()
        outside = '{"Config":"config.json","Layers":["0.tar","%s"]}'
        inside_gzip = gzip.compress(sound)
        for data, message in (
                (b"", "no archive of images: .*"), (b"nonsense" * 1000, "invalid tar header.*|no archive of images: .*"),
                (sound[:sound.index(b"2" * 100) + 50], 'tar entry 1.tar: unexpected EOF'),
                (inside_gzip[:len(inside_gzip) // 2], "unexpected EOF"), (inside_gzip[:-6] + b"xxxxxx", "gzip: .*"),
                (self.sample(**{"1_tar": None}), "1.tar: layer sha256:[0-9a-f]{64} is neither in the archive nor in the store"),
                (self.sample(**{"1_tar": tar_of({"g": b"other"})}), "1.tar: invalid diffID: expected sha256:.*, got sha256:.*"),
                (self.sample(**{"1_tar": b"x" * 1500}), "1.tar: .*"), (self.sample(**{"1_tar": "0.tar"}), "1.tar: invalid diffID: .*"),
                (self.sample(**{"1_tar": gzip.compress(tar_of({"g": b"2" * 3000}))[:-20]}), "1.tar: .*unexpected EOF"),
                (self.sample(**{"1_tar": "1.tar"}), "1.tar: too many levels of symbolic links"),
                (self.sample(**{"1_tar": "/etc/passwd"}), "tar entry 1.tar: its link leads out of the archive"),
                (self.sample(**{"1_tar": "../" * 20 + "etc/passwd"}), "tar entry 1.tar: its link leads out of the archive"),
                (self.sample(config_json=None), "config.json: no such member"), (self.sample(config_json=b"[" * 10**6),
                                                                                  "config.json: .*invalid JSON at byte 512: nested too deeply"),
                (self.sample(config_json=b" " * (5 << 20)), "config.json: larger than 4194304 bytes"),
                (self.sample(config_json=b"{}"), "config.json: .*rootfs.*"),
                (self.sample(manifest_json=b'[{"Config":"config.json","Layers":["0.tar"]}]'),
                 "config.json: invalid manifest, layers length mismatch: expected 1, got 2"),
                (self.sample(manifest_json=b"[" + (outside % "../../etc/passwd").encode() + b"]"),
                 'manifest.json: "../../etc/passwd" names no member of the archive'),
                (self.sample(manifest_json=b"[" + (outside % "/etc/passwd").encode() + b"]"),
                 'manifest.json: "/etc/passwd" names no member of the archive'),
                (self.sample(manifest_json=b'[{"Config":"config.json","RepoTags":["Bad:1"],"Layers":["0.tar","1.tar"]}]'),
                 'manifest.json: invalid tag "Bad:1"')):
            with self.subTest(message):
                self.assert_refused(data, message)
        self.assertEqual(self.engine("load", stdin=sound), "Loaded image: bad:1")

    def test_names_that_are_no_utf8_are_only_names(self):
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w", format=tarfile.GNU_FORMAT, encoding="latin-1") as tar:
            rootfs.add_file(tar, "\xff\xfe", b"")
        self.assertEqual(self.other("load", stdin=buffer.getvalue()[:512] + self.sample()), "Loaded image: bad:1")

    def test_an_interrupted_load_leaves_nothing(self):
        before = self.store().fingerprint()
        data = self.read(self.save("app.tar", "app:2"))
        process = self.other.popen("load", stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        process.stdin.write(data[:len(data) // 2])
        process.stdin.flush()
        self.wait_until(lambda: is_empty(process.stdin), "all of it to be read")
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.wait(PATIENCE), 130)
        self.assertEqual(process.stderr.read(), b"load cancelled\n")
        for stream in (process.stdin, process.stdout, process.stderr):
            stream.close()
        self.assertEqual(self.other("images", "-aq"), "")
        self.assertEqual(os.listdir(self.path("other/overlay2")), ["l"])
        self.assertEqual(self.store().fingerprint(), before)
