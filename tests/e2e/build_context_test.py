"""--build-context: files and images that stand for a name in FROM, COPY --from and RUN --mount=from=."""
import gzip
import io
import os
import tarfile
import unittest

from tests.support import layers, rootfs, sample
from tests.support.case import StoreCase
from tests.support.git import Daemon, Repository
from tests.support.web import Web

FROM = f"FROM {sample.BASE}\n"


class BuildContext(StoreCase):
    def setUp(self):
        super().setUp()
        self.engine = self.strata()

    def use_busybox(self, name=sample.BASE, files=()):
        self.engine("import", rootfs.busybox(self.path("base.tar"), files), name)

    def build(self, dockerfile, *options, files=(), tag="t:1", **more):
        folder = self.context({"Dockerfile": dockerfile, **dict(files)})
        return self.engine("build", "--network", "none", "-t", tag, *options, folder, **more)

    def refused(self, dockerfile, *options, files=()):
        folder = self.context({"Dockerfile": dockerfile, **dict(files)})
        result = self.engine.run("build", "--network", "none", "-t", "refused:1", *options, folder)
        self.assertNotEqual(result.code, 0, result)
        self.assertEqual(self.engine("images", "-q", "refused"), "")
        return result.err.rstrip("\n")

    def files(self, tag="t:1"):
        """name -> (mode, uid, content) of what the layers hold."""
        return {member.name.rstrip("/"): (member.mode, member.uid, text) for member, text in layers.members(self.engine, tag)}

    def names(self, tag="t:1"):
        return set(self.files(tag))


class Directories(BuildContext):
    def test_copy_from_takes_its_files(self):
        other = self.context({"f": "f", "d/g": "g", "skip": "s", ".dockerignore": "skip\n"}, "other")
        os.chown(os.path.join(other, "f"), 5, 6)
        text = "FROM scratch\nCOPY --from=other . /all/\nCOPY --from=other d/g /one\n"
        self.build(text, "--build-context", f"other={other}")
        self.assertEqual(self.files(), {"all": (0o755, 0, ""), "all/.dockerignore": (0o644, 0, "skip\n"), "all/d": (0o755, 0, ""), "all/d/g": (0o644, 0, "g"),
                                        "all/f": (0o644, 0, "f"), "one": (0o644, 0, "g")})
        self.assertEqual(self.build(text, "--build-context", f"other={other}").count("Using cache"), 2)
        self.context({"f": "new"}, "other")
        self.assertEqual(self.build(text, "--build-context", f"other={other}").count("Using cache"), 0)
        self.assertEqual(self.refused("FROM scratch\nCOPY --from=other skip /\n", "--build-context", f"other={other}"),
                         "COPY failed: file not found in build context or excluded by .dockerignore: stat skip: file does not exist")
        self.assertIn("forbidden path outside the build context", self.refused("FROM scratch\nCOPY --from=other ../x /\n", "--build-context", f"other={other}"))

    def test_from_starts_with_its_files(self):
        other = self.context({"etc/f": "f", "skip": "s", ".dockerignore": "skip\n.dockerignore\n"}, "other")
        os.chmod(os.path.join(other, "etc"), 0o700)
        text = "FROM other\nENV A=1\nCOPY x /\n"
        out = self.build(text, "--build-context", f"other={other}", files={"x": "x"})
        self.assertIn("Step 1/3 : FROM other\n ---> ", out)
        self.assertEqual(self.files(), {"etc": (0o700, 0, ""), "etc/f": (0o644, 0, "f"), "x": (0o644, 0, "x")})
        self.assertEqual(self.build(text, "--build-context", f"other={other}").count("Using cache"), 3)

    def test_a_context_wins_over_stages_and_images(self):
        self.use_busybox()
        other = self.context({"f": "f"}, "other")
        text = f"{FROM.strip()} AS build\nRUN exit 7\nFROM scratch\nCOPY --from=Build /f /\n"
        out = self.build(text, "--build-context", f"build={other}")
        self.assertIn("Skipped (stage not needed)", out)
        self.assertEqual(self.names(), {"f"})
        self.build(FROM + "COPY Dockerfile /\n", "--build-context", f"{sample.BASE}={other}")
        self.assertEqual(self.names(), {"f", "Dockerfile"})
        self.build("FROM docker.io/library/no-such-image\n", "--build-context", f"no-such-image:latest={other}")
        self.assertEqual(self.names(), {"f"})
        self.assertRegex(self.refused("FROM no-such-image:2\n", "--build-context", f"no-such-image={other}"), "no-such-image|registry-1.docker.io")  # is looked for there
        self.build("FROM scratch\nCOPY Dockerfile /\n", "--build-context", f"scratch={other}")
        self.assertEqual(self.names(), {"Dockerfile"})

    def test_mounts_see_its_files(self):
        self.use_busybox()
        other = self.context({"d/f": "one\n", "skip": "s", ".dockerignore": "skip\n"}, "other")
        os.chown(os.path.join(other, "d/f"), 5, 6)
        text = FROM + ("RUN --mount=from=other,target=/m cat /m/d/f > /r1; ls /m > /r2; stat -c %u /m/d/f > /r3\n"
                       "RUN --mount=from=other,source=d/f,target=/file cat /file > /r4\n"
                       "RUN --mount=type=cache,from=other,source=d,target=/c cat /c/f > /r5\n")
        self.build(text, "--build-context", f"other={other}")
        files = self.files()
        self.assertEqual([files["r" + n][2] for n in "12345"], ["one\n", "d\n", "0\n", "one\n", "one\n"])
        self.assertEqual(self.build(text, "--build-context", f"other={other}").count("Using cache"), 3)
        self.context({"d/f": "two\n"}, "other")
        self.build(text, "--build-context", f"other={other}")
        self.assertEqual(self.files()["r4"][2], "two\n")

    def test_two_contexts_with_files_of_the_same_names(self):
        self.use_busybox()
        a, b = self.context({"f": "a"}, "a"), self.context({"f": "b"}, "b")
        self.build(FROM + "RUN --mount=from=a,target=/a --mount=from=b,target=/b --mount=target=/c cat /a/f /b/f /c/f > /r\nCOPY --from=a f /fa\nCOPY --from=b f /fb\n",
                   "--build-context", f"a={a}", "--build-context", f"b={b}", files={"f": "c"})
        files = self.files()
        self.assertEqual([files[n][2] for n in ("r", "fa", "fb")], ["abc", "a", "b"])

    def test_values_that_are_refused(self):
        for value, text in {"x": "invalid context value: x, expected key=value", "x=": "invalid context value: x=, expected key=value",
                            "X=/": "invalid context name X", "x=nodir": "failed to get build context x: stat nodir: no such file or directory",
                            f"x={__file__}": f"failed to get build context path {__file__}: not a directory"}.items():
            with self.subTest(value):
                self.assertIn(text, self.refused("FROM scratch\n", "--build-context", value))

    def test_what_is_not_used_is_not_fetched(self):
        self.build("FROM scratch\nCOPY Dockerfile /\n", "--build-context", "x=http://127.0.0.1:1/x", "--build-context", "y=docker-image://nope",
                   "--build-context", "z=oci-layout://nope")


class Images(BuildContext):
    def test_an_image_of_the_store(self):
        self.use_busybox()
        self.use_busybox("other:2", {"mark": "other\n"})
        self.build(FROM + "COPY --from=files /mark /copied\nRUN --mount=from=files,target=/m cat /m/mark /mark > /r\n",
                   "--build-context", f"{sample.BASE}=docker-image://other:2", "--build-context", "files=docker-image://other:2")
        files = self.files()
        self.assertEqual((files["copied"][2], files["r"][2]), ("other\n", "other\nother\n"))
        self.assertRegex(self.refused(FROM, "--build-context", f"{sample.BASE}=docker-image://nope"), "pull access denied for nope|registry-1.docker.io")

    def test_triggers_of_an_image(self):
        self.build("FROM scratch\nCOPY x /x\nONBUILD COPY --from=more f /triggered\n", files={"x": "x"}, tag="parent:1")
        more = self.context({"f": "f"}, "more")
        self.build("FROM base\n", "--build-context", "base=docker-image://parent:1", "--build-context", f"more={more}")
        self.assertEqual(self.names(), {"x", "triggered"})

    def test_an_oci_layout(self):
        self.build("FROM scratch\nCOPY x /x\nENV A=layout\n", files={"x": "x"}, tag="app:1")
        wanted = self.engine("inspect", "--format", "{{.Id}}", "app:1")
        self.engine("save", "--format", "oci-dir", "-o", self.path("layout"), "app:1")
        other = self.strata("other")
        with open(self.path("layout/index.json"), encoding="utf-8") as file:
            index = file.read()
        digest = index.split('"digest":"')[1][:71]
        text = "FROM base\nCOPY --from=base x /y\n"
        folder = self.context({"Dockerfile": text}, "second")
        for suffix in ("", ":1", "@" + digest):
            with self.subTest(suffix):
                other("build", "-t", "t:1", "--build-context", f"base=oci-layout://{self.path('layout')}{suffix}", folder)
                self.assertIn("A=layout", other("inspect", "--format", "{{.Config.Env}}", "t:1"))
                self.assertEqual(other("inspect", "--format", "{{.Id}}", wanted), wanted)
                self.assertEqual(other("images", "-q", "app"), "")
        result = other.run("build", "--build-context", f"base=oci-layout://{self.path('layout')}:2", folder)
        self.assertEqual((result.code, result.err), (1, 'failed to get build context base: index.json: it has no image "2"\n'))
        result = other.run("build", "--build-context", f"base=oci-layout://{self.path('nope')}", folder)
        self.assertEqual((result.code, result.err), (1, f"failed to get build context base: open {self.path('nope')}: no such file or directory\n"))
        result = other.run("build", "--build-context", f"base=oci-layout://{self.path('layout')}@sha256:{'0' * 64}", folder)
        self.assertEqual(result.code, 1)
        self.assertIn("no such member", result.err)
        self.assert_store_sound("other")


class Remote(BuildContext):
    def test_a_repository(self):
        repository = Repository(self.path("srv/r.git"))
        repository.commit({"d/f": "f", "skip": "s", ".dockerignore": "skip\n"})
        daemon = Daemon(self.path("srv"))
        self.addCleanup(daemon.stop)
        self.build("FROM scratch\nCOPY --from=r . /\n", "--build-context", f"r={daemon.url}/r.git")
        self.assertEqual(self.names(), {"d", "d/f", ".dockerignore"})
        self.build("FROM r\n", "--build-context", f"r={daemon.url}/r.git#main:d")
        self.assertEqual(self.names(), {"f"})
        self.assertIn("failed to get build context r: ", self.refused("FROM r\n", "--build-context", f"r={daemon.url}/r.git#nope"))

    def test_an_archive(self):
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w") as tar:
            rootfs.add_file(tar, "f", "f")
        web = Web()
        self.addCleanup(web.stop)
        web.pages = {"/a.tgz": (200, {}, gzip.compress(buffer.getvalue())), "/text": (200, {}, b"text")}
        self.build("FROM scratch\nCOPY --from=a f /f\n", "--build-context", f"a={web.url}/a.tgz")
        self.assertEqual(self.names(), {"f"})
        self.assertIn(f"{web.url}/text: not an archive", self.refused("FROM scratch\nCOPY --from=a f /f\n", "--build-context", f"a={web.url}/text"))
        self.assertEqual([name for name in os.listdir(self.path("store/strata")) if name.startswith(("context-", "git-"))], [])


class Dockerfiles(BuildContext):
    """-f and the ignore files that belong to it."""

    def test_the_dockerfile_has_an_ignore_file_of_its_own(self):
        files = {"a": "a", "b": "b", "c": "c", ".dockerignore": "a\n", "x/prod.Dockerfile": "FROM scratch\nCOPY . /\n", "x/prod.Dockerfile.dockerignore": "b\nx\nDockerfile\n"}
        folder = self.context({"Dockerfile": "FROM scratch\nCOPY . /\n", **files})
        self.engine("build", "-t", "t:1", "-f", os.path.join(folder, "x/prod.Dockerfile"), folder)
        self.assertEqual(self.names(), {"a", "c", ".dockerignore"})
        self.build("FROM scratch\nCOPY [abc] /\n", files=files)
        self.assertEqual(self.names(), {"b", "c"})

    def test_also_outside_of_the_context(self):
        outside = self.context({"my.Dockerfile": "FROM scratch\nCOPY . /\n", "my.Dockerfile.dockerignore": "a\n", "plain": "FROM scratch\nCOPY . /\n"}, "outside")
        folder = self.context({"a": "a", "b": "b", "c": "c", ".dockerignore": "b\n"})
        self.engine("build", "-t", "t:1", "-f", os.path.join(outside, "my.Dockerfile"), folder)
        self.assertEqual(self.names(), {"b", "c", ".dockerignore"})
        self.engine("build", "-t", "t:1", "-f", os.path.join(outside, "plain"), folder)
        self.assertEqual(self.names(), {"a", "c", ".dockerignore"})

    def test_a_dockerfile_on_stdin_takes_the_ignore_file_of_the_context(self):
        folder = self.context({"a": "a", "b": "b", ".dockerignore": "b\n.dockerignore\n", "Dockerfile": "FROM nope\n"})
        self.engine("build", "-t", "t:1", "-f", "-", folder, stdin=b"FROM scratch\nCOPY . /\n")
        self.assertEqual(self.names(), {"a", "Dockerfile"})
        result = self.engine.run("build", "-f", "-", "-", stdin=b"")
        self.assertEqual((result.code, result.err), (1, "invalid argument: can't use stdin for both build context and dockerfile\n"))


if __name__ == "__main__":
    unittest.main()
