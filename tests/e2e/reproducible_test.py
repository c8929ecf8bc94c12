"""SOURCE_DATE_EPOCH, --reproducible and --check-repro: the same Dockerfile and context give the same image ID everywhere."""
import io
import json
import os
import subprocess
import tarfile
import unittest

from tests.support import rootfs, sample
from tests.support.case import StoreCase
from tests.support.engine import Strata
from tests.support.git import Daemon, Repository

EPOCH = 1_400_000_000
CREATED = "2014-05-13T16:53:20Z"
DOCKERFILE = f"""\
ARG BASE={sample.BASE}
FROM $BASE AS made
WORKDIR /w/x
RUN date > /dev/null; echo made > made; mkdir -p /deep/d; ln -s made soft; ln made hard; rm /etc/old; rm -r /etc/gone; mkdir /etc/gone; echo n > /etc/gone/n
RUN hostname > name
FROM $BASE
LABEL a=b
COPY . /ctx
COPY --from=made /w/x /from/
COPY <<EOF /here
text
EOF
ADD more.tar /unpacked/
ENV A=1
CMD ["x"]
"""
STEPS = 10  # that the cache can have
IGNORE = ".git\n.dockerignore\n"


class WithEpoch(Strata):
    """With SOURCE_DATE_EPOCH in the environment."""

    def environment(self):
        return super().environment() | {"SOURCE_DATE_EPOCH": str(EPOCH)}


class Reproducible(StoreCase):
    def setUp(self):
        super().setUp()
        # One base image for all stores: its own time is not ours to fix.
        first = self.strata("first")
        first("import", rootfs.busybox(self.path("base.tar"), {"etc/old": "old", "etc/gone/x": "x"}), sample.BASE)
        first("save", "-o", self.path("base.image"), sample.BASE)

    def engine(self, root, kind=Strata):
        if root != "first":
            Strata(self.path(root))("load", "-i", self.path("base.image"))
        return kind(self.path(root))

    def sources(self, name, time):
        """A folder whose files all have that time."""
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w") as tar:
            for member, mtime in (("t/old", 5), ("t/new", EPOCH + 5_000_000)):
                info = tarfile.TarInfo(member)
                info.mtime = mtime
                tar.addfile(info)
        folder = self.context({"Dockerfile": DOCKERFILE, "a": "a", "d/b": "b", "d/c": "b", "more.tar": buffer.getvalue(), ".dockerignore": IGNORE}, name)
        for parent, folders, names in os.walk(folder, topdown=False):
            for entry in (*folders, *names):
                os.utime(os.path.join(parent, entry), (time, time))
        os.utime(folder, (time, time))
        return folder

    def build(self, engine, folder, *options, tag="t:1", **more):
        engine("build", "--network", "none", "-t", tag, *options, folder, **more)
        return engine("inspect", "--format", "{{.Id}}", tag)

    def image(self, engine, tag="t:1"):
        """The config, and name -> (mtime, content) of what the layers above the base hold."""
        engine("save", "-o", self.path("out.tar"), tag)
        found = {}
        with tarfile.open(self.path("out.tar")) as archive:
            manifest = json.load(archive.extractfile("manifest.json"))[0]
            config = json.load(archive.extractfile(manifest["Config"]))
            for name in manifest["Layers"][1:]:
                with tarfile.open(fileobj=io.BytesIO(archive.extractfile(name).read())) as layer:
                    for member in layer:
                        found[member.name.rstrip("/")] = (int(member.mtime), layer.extractfile(member).read().decode() if member.isreg() else "")
        return config, found


class Ids(Reproducible):
    def test_are_the_same_in_two_stores_and_directories_on_another_day(self):
        one = self.build(self.engine("one"), self.sources("a", EPOCH - 100), "--build-arg", f"SOURCE_DATE_EPOCH={EPOCH}")
        self.sources("b", EPOCH + 7777)
        os.unlink(self.path("b/d/b"))  # a hard link where the other folder has two files
        os.unlink(self.path("b/d/c"))
        with open(self.path("b/d/b"), "w", encoding="utf-8") as file:
            file.write("b")
        os.link(self.path("b/d/b"), self.path("b/d/c"))
        two = self.build(self.engine("two", WithEpoch), self.path("b"))
        self.assertEqual(one, two)
        engine = self.engine("one")
        self.assertEqual(self.build(engine, self.path("b"), "--no-cache", "--build-arg", f"SOURCE_DATE_EPOCH={EPOCH}"), one)
        config, files = self.image(engine)
        self.assertEqual(config["created"], CREATED)
        self.assertEqual({entry["created"] for entry in config["history"][1:]}, {CREATED})
        self.assertEqual({name: file[0] for name, file in files.items() if file[0] != EPOCH}, {"unpacked/t/old": 5})
        self.assertEqual((files["from/name"][1], files["here"][1], files["ctx/d/b"][1]), ("buildkitsandbox\n", "text\n", "b"))

    def test_are_the_same_with_reproducible_alone(self):
        ids = [self.build(self.engine(store), self.sources(store + "-files", time), "--reproducible") for store, time in (("one", EPOCH), ("two", EPOCH + 99))]
        self.assertEqual(ids[0], ids[1])
        self.assertEqual(self.image(self.strata("one"))[0]["created"], "1970-01-01T00:00:00Z")

    def test_are_the_same_from_a_repository(self):
        folder = self.sources("dir", EPOCH + 1)
        repository = Repository(self.path("srv/r.git"))
        for name in ("Dockerfile", "a", "d/b", "d/c", "more.tar", ".dockerignore"):
            os.makedirs(os.path.dirname(os.path.join(repository.path, name)), exist_ok=True)
            with open(os.path.join(folder, name), "rb") as source, open(os.path.join(repository.path, name), "wb") as out:
                out.write(source.read())
        repository.commit({})
        daemon = Daemon(self.path("srv"))
        self.addCleanup(daemon.stop)
        subprocess.run(["git", "clone", "-q", daemon.url + "/r.git", self.path("clone")], check=True, stderr=subprocess.DEVNULL)
        for options in (["--reproducible"], ["--build-arg", f"SOURCE_DATE_EPOCH={EPOCH}"]):
            ids = [self.build(self.engine(store), context, *options)
                   for store, context in (("one", folder), ("two", self.path("clone")), ("three", daemon.url + "/r.git"), ("one", repository.path))]
            self.assertEqual(ids, ids[:1] * 4)

    def test_do_not_depend_on_what_else_was_built(self):
        folder = self.sources("dir", EPOCH - 1)
        engine = self.engine("one")
        plain = self.build(engine, folder)
        fixed = self.build(engine, folder, "--reproducible")
        self.assertNotEqual(fixed, plain)
        self.assertEqual(self.build(self.engine("two"), folder, "--reproducible"), fixed)
        again = engine("build", "--network", "none", "-t", "t:1", "--reproducible", folder)
        self.assertEqual(again.count("Using cache"), STEPS)
        other = engine("build", "--network", "none", "-t", "t:2", "--build-arg", f"SOURCE_DATE_EPOCH={EPOCH}", "--explain-cache", folder)
        self.assertNotIn("Using cache", other)
        self.assertIn(" ---> Not cached: SOURCE_DATE_EPOCH was another one, or none\n", other)


class Epoch(Reproducible):
    def created(self, engine, dockerfile, *options):
        folder = self.context({"Dockerfile": dockerfile}, "small")
        engine("build", "--network", "none", "-t", "t:1", *options, folder)
        return engine("inspect", "--format", "{{.Created}}", "t:1")

    def test_comes_from_the_first_of_four(self):
        plain, env = self.engine("first"), self.engine("first", WithEpoch)
        given, own = ("--build-arg", "SOURCE_DATE_EPOCH=60"), "ARG SOURCE_DATE_EPOCH=120\n"
        text = "FROM scratch\nCOPY Dockerfile /\n"
        for engine, dockerfile, options, created in (
                (env, own + text, (*given, "--reproducible"), "1970-01-01T00:01:00Z"), (env, own + text, ("--reproducible",), CREATED),
                (plain, own + text, ("--reproducible",), "1970-01-01T00:02:00Z"), (plain, text, ("--reproducible",), "1970-01-01T00:00:00Z"),
                (env, text, (), CREATED), (env, text, ("--build-arg", "SOURCE_DATE_EPOCH=", "--reproducible"), "1970-01-01T00:00:00Z")):
            with self.subTest(dockerfile=dockerfile, options=options):
                self.assertEqual(self.created(engine, dockerfile, *options), created)
        for engine, options in ((plain, ()), (env, ("--build-arg", "SOURCE_DATE_EPOCH="))):
            self.assertNotIn(self.created(engine, text + "LABEL new=1\n", "--no-cache", *options)[:4], ("1970", "2014"))

    def test_is_seen_by_run_where_it_is_declared(self):
        engine = self.engine("first", WithEpoch)
        folder = self.context({"Dockerfile": f"FROM {sample.BASE}\nRUN echo \"<$SOURCE_DATE_EPOCH>\"\nARG SOURCE_DATE_EPOCH\nRUN echo \"<$SOURCE_DATE_EPOCH>\"\n"}, "small")
        out = engine("build", "--network", "none", folder)
        self.assertIn("\n<>\n", out)
        self.assertIn(f"\n<{EPOCH}>\n", out)
        self.assertNotIn("not consumed", out)

    def test_is_a_number_of_seconds(self):
        engine = self.engine("first")
        folder = self.context({"Dockerfile": "FROM scratch\nCOPY Dockerfile /\n"}, "small")
        for value in ("x", "-1", "1.5", "99999999999999"):
            result = engine.run("build", "--build-arg", "SOURCE_DATE_EPOCH=" + value, folder)
            self.assertEqual((result.code, result.err), (1, f'SOURCE_DATE_EPOCH "{value}": not a number of seconds since 1970\n'))

    def test_older_files_of_run_keep_their_times(self):
        engine = self.engine("first")
        folder = self.context({"Dockerfile": f"FROM {sample.BASE}\nRUN echo x > /f; touch -d @5 /f; echo y > /g; mkdir /d; ln -s f /l\n"}, "small")
        engine("build", "--network", "none", "-t", "t:1", "--build-arg", f"SOURCE_DATE_EPOCH={EPOCH}", folder)
        files = self.image(engine)[1]
        self.assertEqual({name: file[0] for name, file in files.items()}, {"f": 5, "g": EPOCH, "d": EPOCH, "l": EPOCH})
        # and a container sees the same
        self.assertEqual(engine("run", "--rm", "--network", "none", "t:1", "stat", "-c", "%Y", "/g", "/d"), f"{EPOCH}\n{EPOCH}")
        self.assert_store_sound("first")


class Check(Reproducible):
    def check(self, dockerfile, *options, files=()):
        folder = self.context({"Dockerfile": dockerfile, **dict(files)}, "small")
        return self.engine("first").run("build", "--network", "none", "-t", "checked:1", "--check-repro", *options, folder)

    def test_a_build_that_is(self):
        result = self.check(f"FROM {sample.BASE}\nCOPY a /\nRUN echo x > /x\n", files={"a": "a"})
        self.assertEqual((result.code, result.err), (0, ""))
        self.assertIn("Building again, without the cache\nReproducible: both builds gave the same image\nSuccessfully built ", result.out)
        self.assertIn("Successfully tagged checked:1\n", result.out)

    def test_a_build_that_is_not_names_files_and_what_differs(self):
        random, number = "head -c 9 /dev/urandom", "$(( $(od -An -N3 -tu4 /dev/urandom) ))"
        result = self.check(f"FROM {sample.BASE}\nCOPY a /\nRUN {random} > /r; echo same > /same\n"
                            f"RUN mkdir /m; {random} > /m/n; chmod $(if test -e /c/f; then echo 600; else echo 644; fi) /m/n; > /t; touch -d @{number} /t; chown {number} /t; "
                            f"> /m/$(od -An -N8 -tx8 /dev/urandom | tr -d ' ')\n", "--build-arg", f"SOURCE_DATE_EPOCH={EPOCH}", files={"a": "a"})
        self.assertEqual(result.code, 1, result)
        self.assertEqual(result.err, "not reproducible: 5 files differ\n")
        self.assertEqual(self.engine("first")("images", "-q", "checked"), "")
        report = result.out.partition("without the cache\n")[2]
        self.assertRegex(report, r"^layer 3, /bin/sh -c head .* > /same:\n  /r: content\nlayer 4, /bin/sh -c mkdir [^\n]*\n"
                                 r"(  /m/[0-9a-f]{16}: only in the (first|second) build\n){2}  /m/n: content\n  /t: owner, mtime\n$")

    def test_a_mode_that_differs(self):
        result = self.check(f"FROM {sample.BASE}\nRUN --mount=type=cache,target=/c > /x; if test -e /c/f; then chmod 600 /x; else > /c/f; fi\n")
        self.assertEqual((result.code, result.err), (1, "not reproducible: 1 file differs\n"))
        self.assertIn(":\n  /x: mode\n", result.out)

    def test_a_second_build_that_fails(self):
        result = self.check(f"FROM {sample.BASE}\nRUN --mount=type=cache,target=/c test ! -e /c/f && > /c/f && > /x\n")
        self.assertEqual(result.code, 1)
        self.assertTrue(result.err.startswith("the second build: The command "), result.err)

    def test_layers_that_come_and_go(self):
        result = self.check(f"FROM {sample.BASE}\nRUN --mount=type=cache,target=/c if test -e /c/f; then true; else > /c/f; > /x; fi\n")
        self.assertEqual((result.code, result.err), (1, "not reproducible: 1 layer differs\n"))
        self.assertIn(":\n  only in the first build\n", result.out)


if __name__ == "__main__":
    unittest.main()
