"""What builds need not do again: docker's cache, the cache of steps by content, the memo of a context's sums."""
import fcntl
import json
import os
import subprocess
import time
import unittest

from tests.support import rootfs, sample
from tests.support.case import StoreCase


class BuildCache(StoreCase):
    def setUp(self):
        super().setUp()
        self.engine = self.strata()
        self.engine("import", rootfs.busybox(self.path("base.tar")), sample.BASE)

    def build(self, dockerfile, *options, files=(), context="context", tag="t:1"):
        folder = self.context({"Dockerfile": f"FROM {sample.BASE}\n{dockerfile}", **dict(files)}, context)
        return self.engine("build", "--network", "none", "-t", tag, *options, folder)

    def layers(self, tag="t:1"):
        return self.engine("image", "inspect", "--format", "{{json .RootFS.Layers}}", tag)

    def test_metadata_above_breaks_no_step_below(self):
        steps = "WORKDIR /w\nCOPY d /d\nRUN cat /proc/sys/kernel/random/uuid > /now\nRUN true\nCMD [\"x\"]\n"
        files = {"d/f": "f"}
        self.build("LABEL v=1\n" + steps, files=files)
        layers = self.layers()
        out = self.build("LABEL v=2\n" + steps, files=files)
        self.assertEqual(self.layers(), layers)
        self.assertEqual(out.count("Using cache"), 4, out)
        self.assertEqual(self.engine("image", "inspect", "--format", "{{.Config.Labels.v}}", "t:1"), "2")
        self.assertEqual(self.build("LABEL v=2\n" + steps, files=files).count("Using cache"), 6)
        self.assertEqual(self.build("ENV v=3\n" + steps, files=files).count("Using cache"), 2, "ENV is an input of RUN")
        self.assertEqual(self.build("LABEL v=4\nUSER 0\n" + steps, files=files).count("Using cache"), 1, "USER is one of WORKDIR and RUN; WORKDIR made the same")
        self.assertEqual(self.build("LABEL v=5\n" + steps, "--no-cache", files=files).count("Using cache"), 0)
        self.assert_store_sound()

    def test_a_copy_is_found_by_its_content(self):
        files = {"d/f": "f", "d/g": "g"}
        self.build("LABEL v=1\nCOPY d /d\n", files=files)
        layers = self.layers()
        self.assertEqual(self.build("LABEL v=2\nCOPY d /d\n", files=files, context="elsewhere").count("Using cache"), 1)
        self.assertEqual(self.layers(), layers)
        self.assertEqual(self.build("LABEL v=2\nCOPY d /other\n", files=files).count("Using cache"), 1, "the LABEL")
        self.assertEqual(self.build("LABEL v=3\nCOPY d /d\n", files=files | {"d/g": "G"}).count("Using cache"), 0)
        self.assertEqual(self.build("LABEL v=4\nCOPY d /d\n", files=files).count("Using cache"), 1, "as it was")

    def test_a_result_whose_layer_is_gone_is_made_again(self):
        self.build("LABEL v=1\nRUN echo x > /x\n")
        self.engine("rmi", "t:1")
        self.assertEqual(self.build("LABEL v=2\nRUN echo x > /x\n").count("Using cache"), 0)
        self.assertIn("x", self.engine("ls", "t:1", "/"))
        self.assert_store_sound()

    def test_the_limit_of_daemon_json_is_kept_after_each_build(self):
        """dockerd's own: builder.gc. Without it, or with another size, nothing goes."""
        def build(number, keep):
            folder = self.context({"Dockerfile": f"FROM {sample.BASE}\nRUN --mount=type=cache,id=c{number},target=/c head -c 300000 /dev/zero > /c/f\n"})
            rules = {"builder": {"gc": {"enabled": True, "defaultKeepStorage": keep}}} if keep else {}
            words = [*self.engine.command(), "build", "-q", "--network", "none", "-t", f"t:{number}", folder]
            subprocess.run(["unshare", "-m", "sh", "-c", "mkdir -p /etc/docker && mount -t tmpfs t /etc/docker && echo \"$0\" > /etc/docker/daemon.json && exec \"$@\"",
                            json.dumps(rules), *words], check=True, stdout=subprocess.DEVNULL)
            return {line.split()[0] for line in self.engine("builder", "du", "--filter", "type=exec.cachemount").splitlines() if "300" in line or "303" in line
                    or "307" in line}

        for number in range(3):
            left = build(number, "")
        self.assertEqual(len(left), 3, left)
        self.assertEqual(len(build(3, "100MB")), 4)
        self.assertEqual(len(build(4, "700KB")), 2, "those used last")
        self.assertIn("t:4", self.engine("images", "--format", "{{.Repository}}:{{.Tag}}"))

    def test_damage_of_what_is_expendable_costs_time_only(self):
        files = {f"d/{i}": str(i) for i in range(40)}
        self.build("COPY d /d\n", files=files)
        for folder, _, names in os.walk(self.path("store/strata")):
            for name in set(names) - {"version"}:  # another one is refused: long_life_test.py
                with open(os.path.join(folder, name), "r+b") as file:
                    file.write(b"damaged")
        self.assertEqual(self.build("COPY d /d\n", files=files).count("Using cache"), 1)
        self.assertEqual(self.build("LABEL a=b\nCOPY d /d\n", files=files).count("Using cache"), 0)
        subprocess.run(["rm", "-r", self.path("store/strata")], check=True)
        self.assertEqual(self.build("COPY d /d\n", files=files).count("Using cache"), 1)

    def test_a_rebuild_links_what_it_knows_but_nothing_damaged(self):
        folder = self.context({f"d/{i}": f"text {i}" for i in range(40)})
        time.sleep(0.2)  # what is younger than a clock tick is not remembered
        self.build("COPY d /d\n")
        earlier = self.copied()[0]
        damaged = os.path.join(earlier, "7")
        times = os.stat(damaged)
        with open(damaged, "r+") as file:
            file.write("TEXT")
        os.utime(damaged, ns=(times.st_atime_ns, times.st_mtime_ns))
        with open(os.path.join(folder, "d/1"), "w") as file:
            file.write("new")
        self.build("COPY d /d\n", tag="t:2")
        new, = (at for at in self.copied() if at != earlier)
        same = {name for name in os.listdir(new) if os.path.samefile(os.path.join(new, name), os.path.join(earlier, name))}
        self.assertEqual(set(os.listdir(new)) - same, {"1", "7"})
        self.assertEqual([self.engine("cat", "t:2", "/d/" + name) for name in "178"], ["new", "text 7", "text 8"])

    def copied(self):
        """The folders /d of all layers, in the store."""
        return [os.path.join(at, "d") for at, folders, _ in os.walk(self.path("store/overlay2")) if os.path.basename(at) == "diff" and "d" in folders]

    def test_every_edit_of_a_context_is_noticed(self):
        """Same size, same mtime, through another name: what a cache that looks at names and times would miss."""
        folder = self.context({"d/a": "one", "d/b": "two"})
        past = 1_600_000_000
        for name in "ab":
            os.utime(os.path.join(folder, "d", name), (past, past))
        os.link(os.path.join(folder, "d/a"), os.path.join(folder, "d/z"))

        def content(name, expected_hit):
            out = self.build("COPY d /d\n")
            self.assertEqual("Using cache" in out, expected_hit, out)
            return self.engine("cat", "t:1", "/d/" + name)

        self.assertEqual(content("a", False), "one")
        self.assertEqual(content("a", True), "one")
        with open(os.path.join(folder, "d/z"), "r+") as file:
            file.write("ONE")
        os.utime(os.path.join(folder, "d/z"), (past, past))
        self.assertEqual(content("a", False), "ONE")
        os.rename(os.path.join(folder, "d/b"), os.path.join(folder, "d/c"))
        self.assertEqual(content("c", False), "two")
        os.chmod(os.path.join(folder, "d/c"), 0o600)
        self.assertEqual(content("c", False), "two")
        for text in ("111", "222", "333"):  # again and again within a clock tick
            with open(os.path.join(folder, "d/c"), "r+") as file:
                file.write(text)
            os.utime(os.path.join(folder, "d/c"), (past, past))
            self.assertEqual(content("c", False), text)

    def test_loaded_images_are_cache_sources(self):
        steps = "COPY d /d\nENV A=1\nRUN cat /proc/sys/kernel/random/uuid > /now\nCMD [\"x\"]\n"
        self.build(steps, files={"d/f": "f"})
        made = self.engine("image", "inspect", "--format", "{{.Id}}", "t:1")
        self.engine("save", "-o", self.path("t.tar"), "t:1", sample.BASE)
        other = self.strata("other")
        other("load", "-q", "-i", self.path("t.tar"))
        folder = self.context({"Dockerfile": f"FROM {sample.BASE}\n{steps}"})

        def build(*options):
            return other("build", "--network", "none", "-t", "n:1", *options, folder).count("Using cache")

        self.assertEqual(build("--cache-from", "nosuch:1,t:1"), 4)
        self.assertEqual(other("image", "inspect", "--format", "{{.Id}}", "n:1"), made)
        self.context({"Dockerfile": f"FROM {sample.BASE}\n{steps}LABEL last=changed\n"})
        self.assertEqual(build("--cache-from", "t:1"), 4)
        self.context({"Dockerfile": f"FROM {sample.BASE}\n{steps.replace('A=1', 'A=2')}"})
        self.assertEqual(build("--cache-from=type=image,ref=t:1"), 1)
        result = other.run("build", "--cache-from", "type=s3,ref=x/y", folder)
        self.assertEqual((result.code, 'unknown cache importer: "s3"' in result.err), (1, True), result)
        self.assert_store_sound("other")

    def test_cache_mounts_have_a_limit(self):
        """What was used last stays; without a limit of the user's there is one look an hour."""
        mount = "RUN --mount=type=cache,target=/c,id={} head -c 1000000 /dev/zero > /c/x\n"
        inner = self.engine.environment

        def ids():
            return set(self.engine("builder", "du", "--filter", "type=exec.cachemount", "--format", "{{.Description}}").split())
        self.build(mount.format("one") + mount.format("two"))
        self.assertEqual(ids(), {"one", "two"})
        self.assertTrue(os.path.exists(self.path("store/strata/cache-mounts.looked")))
        self.engine.environment = lambda: inner() | {"STRATA_CACHE_MOUNTS": "2500k"}
        self.build(mount.format("two") + mount.format("three"), tag="t:2")
        self.assertEqual(ids(), {"two", "three"})
        self.engine.environment = lambda: inner() | {"STRATA_CACHE_MOUNTS": "1k"}
        self.build("RUN true\n")
        self.assertEqual(ids(), set())

    def test_no_cache_for_some_stages(self):
        folder = self.context({"Dockerfile": f"FROM {sample.BASE} AS one\nRUN cat /proc/sys/kernel/random/uuid > /1\nFROM {sample.BASE} AS two\nRUN cat /proc/sys/kernel/random/uuid > /2\n"
                                             "FROM scratch\nCOPY --from=one /1 /\nCOPY --from=two /2 /\n"})
        self.engine("build", "-t", "t:1", folder)
        one, two = self.engine("cat", "t:1", "/1"), self.engine("cat", "t:1", "/2")
        out = self.engine("build", "-t", "t:1", "--no-cache-filter", "TWO", folder)
        self.assertEqual(out.count("Using cache"), 2, out)
        self.assertEqual(self.engine("cat", "t:1", "/1"), one)
        self.assertNotEqual(self.engine("cat", "t:1", "/2"), two)

    def test_every_step_can_be_run(self):
        self.build("RUN echo 1 > /f\nENV A=1\nRUN echo 2 > /f\nRUN rm /f\n")
        run = ("run", "--rm", "--network", "none")
        look = ("t:1", "sh", "-c", "cat /f; echo A=$A")
        steps = len(self.engine("history", "-q", "t:1").split())
        for step, expected in ((steps - 3, "1\nA="), (steps - 2, "1\nA=1"), (-2, "2\nA=1")):
            self.assertEqual(self.engine(*run, "--step", str(step), *look), expected)
        self.assertIn("A=1", self.engine.run(*run, "--step", "-1", *look).out)
        for step in ("0", str(steps + 1), str(-steps - 1)):
            result = self.engine.run(*run, "--step", step, *look)
            self.assertEqual((result.code, f"no step {step} in t:1: its history has {steps}" in result.err), (125, True), result)
        self.engine("save", "-o", self.path("t.tar"), "t:1")
        other = self.strata("other")
        other("load", "-q", "-i", self.path("t.tar"))
        result = other.run(*run, "--step", "-2", *look)
        self.assertEqual((result.code, "has no image of its own here" in result.err), (125, True), result)

    def test_explains_each_miss(self):
        def misses(steps, *options, files=None):
            folder = self.context({"Dockerfile": f"FROM {sample.BASE}\n{steps}", **(files or {})})
            out = self.engine("build", "--explain-cache", "--network", "none", *options, folder)
            return [line[len(" ---> Not cached: "):] for line in out.splitlines() if line.startswith(" ---> Not cached: ")]

        steps = "ARG V=1\nENV A=1\nCOPY d /d\nRUN echo $V > /v\n"
        files = {"d/a": "one", "d/b/c": "two"}
        nothing, after = "no earlier build had this step here", "parent: a step before it was run anew"
        self.assertEqual(misses(steps, files=files), [nothing, after, after, after])
        self.assertEqual(misses(steps, files=files), [])
        self.assertEqual(misses(steps.replace("A=1", "A=2"), files=files), ['instruction: was "ENV A=1"', after])
        self.assertEqual(misses(steps, "--build-arg", "V=2", files=files), ["build argument V: was 1, is 2"])
        self.assertEqual(misses(steps, "--no-cache", files=files), ["the cache was not to be used"] * 4)
        self.assertEqual(misses(steps, files={"d/b/c": "TWO"}), ["d/b/c: content differs", after])
        os.chmod(self.path("context/d/b/c"), 0o600)
        self.assertEqual(misses(steps)[0], "d/b/c: mode was 0644, is 0600")
        self.assertEqual(misses(steps, files={"d/b/new": ""})[0], "d/b/new: is new")
        os.rename(self.path("context/d/b"), self.path("context/d/e"))
        self.assertEqual(misses(steps)[0], "d/e: is new")
        self.engine("build", "-t", "base:2", self.context({"Dockerfile": f"FROM {sample.BASE}\nCOPY d /d\n"}))
        base = self.engine("image", "inspect", "--format", "{{.Id}}", sample.BASE)[7:19]
        folder = self.context({"Dockerfile": "FROM base:2\nARG V=1\n"})
        self.assertIn(f"Not cached: parent: was {base}, is ", self.engine("build", "--explain-cache", folder))

    def test_builder_du_and_prune(self):
        def rows(*options):
            return [json.loads(line) for line in self.engine("builder", "du", "--format", "json", *options).splitlines()]

        def kinds():
            return sorted({row["Type"] for row in rows("--verbose")})

        self.assertEqual(rows(), [])
        self.assertEqual(self.engine("builder", "prune", "-f"), "Total reclaimed space: 0B")
        mount = "RUN --mount=type=cache,target=/c,id={} head -c {} /dev/zero > /c/x\n"
        self.build("COPY d /d\n" + mount.format("big", 2000000) + mount.format("small", 100), files={"d/f": "f"})
        time.sleep(0.2)  # what is younger than a clock tick is not remembered
        self.engine("build", "--network", "none", self.path("context"))
        self.assertEqual(kinds(), ["exec.cachemount", "source.local", "step"])
        sizes = {row["Description"]: row["Size"] for row in rows("--filter", "type=exec.cachemount")}
        self.assertEqual(set(sizes), {"big", "small"})
        self.assertTrue(sizes["big"].startswith("2.0"), sizes)
        self.assertEqual(len(rows("--filter", "id=steps")), 0)
        table = self.engine("builder", "du").splitlines()
        self.assertEqual(table[0].split(), ["ID", "RECLAIMABLE", "SIZE", "LAST", "ACCESSED", "DESCRIPTION"])
        self.assertRegex(table[-2], r"^Reclaimable:\t2\.\d+MB$")
        df = self.engine("system", "df").splitlines()[-1].split()
        self.assertEqual(df[:4], ["Build", "Cache", "2", "0"])
        # What was used last stays, up to the limit; an unknown filter is refused; nothing is that old.
        self.engine("builder", "prune", "-f", "--filter", "until=24h")
        self.assertEqual(kinds(), ["exec.cachemount", "source.local", "step"])
        refused = self.engine.run("builder", "prune", "-f", "--filter", "colour=red")
        self.assertEqual((refused.code, refused.err), (1, "Error response from daemon: Invalid filter 'colour'\n"))
        os.utime(self.path("store/strata/cache-mounts", next(row["ID"] for row in rows() if row["Description"] == "big") + ".lock"), (1, 1))
        out = self.engine("builder", "prune", "-f", "--keep-storage", "1MB")
        self.assertRegex(out, r"^Deleted build cache objects:\n[0-9a-f]{32}\n\nTotal reclaimed space: 2\.\d+MB$")
        self.assertEqual([row["Description"] for row in rows("--filter", "type=exec.cachemount")], ["small"])
        # One that a build uses stays.
        holder = open(self.path("store/strata/cache-mounts", next(row["ID"] for row in rows() if row["Description"] == "small") + ".lock"))
        fcntl.flock(holder, fcntl.LOCK_SH)
        self.engine("builder", "prune", "-f")
        self.assertEqual(kinds(), ["exec.cachemount", "step"])
        self.assertEqual(self.build("COPY d /d\n").count("Using cache"), 1)
        holder.close()
        self.assertIn("Deleted build cache objects", self.engine("system", "prune", "-f"))
        self.engine("rmi", "t:1")
        self.engine("builder", "prune", "-a", "-f")
        self.assertEqual(kinds(), [])
        declined = self.engine.run("builder", "prune", stdin=b"n\n")
        self.assertEqual(declined.out, "WARNING! This will remove all dangling build cache. Are you sure you want to continue? [y/N] Total reclaimed space: 0B\n")
        self.assert_store_sound()


if __name__ == "__main__":
    unittest.main()
