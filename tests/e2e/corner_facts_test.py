"""Hard corners that docker's classic builder does not know or where Strata differs on purpose, numbered as in docs/corner-facts.md."""
import os
import unittest

from tests.e2e.dockerfile_test import Language
from tests.support import sample
from tests.support.mounts import below

FROM = f"FROM {sample.BASE}\n"


class CornerFacts(Language):
    def setUp(self):
        super().setUp()
        self.use_busybox()

    def config(self, what, tag="t:1"):
        return self.engine("image", "inspect", "--format", "{{json .Config." + what + "}}", tag)

    def test_1_run_of_nothing(self):
        """docker runs the CMD of the base image, by accident."""
        self.assertEqual(self.refused(FROM + 'CMD ["touch", "/ran"]\nRUN []\n'), "No command specified\n")
        self.build(FROM + 'RUN ["true"]\nRUN ["touch", "/no shell; $HOME"]\n')
        self.assertIn("no shell; $HOME", self.files())

    def test_6_7_nothing_is_written_outside(self):
        outside = self.path("outside")
        os.mkdir(outside)
        up = "../" * 30 + outside[1:]
        self.build(FROM + f"RUN mkdir -p {outside} && ln -s {up} /link && ln -s {outside} /abs\nCOPY f /link/\nADD f /abs/g\nVOLUME /link\nWORKDIR /link/deep\nRUN echo x > y\n"
                   f"COPY --from={sample.BASE} /etc/passwd /link/p\n", {"f": "f"})
        self.assertEqual(os.listdir(outside), [])
        found = self.files()
        self.assertLessEqual({(outside + name)[1:] for name in ("/f", "/g", "/deep/y", "/p")}, set(found))

    def test_18_a_volume_over_a_file(self):
        self.build(FROM + "VOLUME /etc/passwd\nRUN test -f /etc/passwd\n")

    def test_45_the_network_of_a_container(self):
        folder = self.context({"Dockerfile": FROM + "RUN true\n"})
        result = self.engine.run("build", "--network", "container:x", folder)
        self.assertEqual((result.code, len(result.err.splitlines())), (1, 1), result)
        self.assertIn("network container:x not found", result.err)

    def test_48_contexts_leave_nothing(self):
        for dockerfile in (FROM, FROM + "RUN false\n", "FOO\n", ""):
            self.engine.run("build", "--network", "none", "-", stdin=dockerfile.encode())
            self.assertEqual([name for name in os.listdir(self.path("store/strata")) if name.startswith(("context-", "add-", "run-"))], [])
        self.assertEqual(below(self.folder), [])

    def test_54_history_lengths(self):
        """Two images of the same layers: what counts is the history."""
        steps = ["ENV A=1\n", "ENV B=2\n", "LABEL c=3\n"]
        for number in (1, 2):
            self.build(FROM + "".join(steps[:number]), tag=f"n{number}:1")
            self.engine("save", "-o", self.path(f"n{number}:1"), sample.BASE, f"n{number}:1")
        folder = self.context({"Dockerfile": FROM + "".join(steps)})
        for sources, hits in ((("n1:1",), 1), (("n2:1",), 2), (("n1:1", "n2:1"), 2)):
            with self.subTest(sources):
                flags = [word for source in sources for word in ("--cache-from", source)]
                clean = self.strata(f"other{hits}{len(sources)}")
                for source in sources:
                    clean("load", "-q", "-i", self.path(source))
                self.assertEqual(clean("build", *flags, folder).count("Using cache"), hits)

    def test_67_here_documents(self):
        self.build(FROM + "RUN cat > /one <<EOF && cat > /two <<'E T'\nB $((1+1))\n# kept\nE T\nEOF\n$HOME\nEOF\nE T\n"
                   "COPY 3<<\"EOF\" <<EOF2 /d/\n\\$X \\\\ \nEOF2\nEOF\nEOF\nEOF2\n")
        found = self.files()
        self.assertEqual(found["one"].content, "B 2\n# kept\nE T\n")
        self.assertEqual(found["two"].content, "$HOME\nEOF\n")
        self.assertEqual(found["d/EOF"].content, "\\$X \\\\ \nEOF2\n")
        self.assertEqual(found["d/EOF2"].content, "EOF\n")

    def test_70_exceptions_of_exclude(self):
        files = {"d/a.md": "a", "d/b.md": "b", "d/c": "c", "d/e/f.md": "f"}
        self.build("FROM scratch\nCOPY --exclude=**/*.md --exclude=!b.md d /d/\nADD --exclude=e --exclude=c d /x/\n", files)
        self.assertEqual({name for name in self.files() if name.startswith(("d/", "x/"))}, {"d/b.md", "d/c", "d/e", "x/a.md", "x/b.md"})

    def test_71_link_into_what_is_missing(self):
        self.build(FROM + "WORKDIR /w\nCOPY --link f .\nCOPY --link --chown=5:6 f /new/deep/\nCOPY --link f other\n", {"f": "f"})
        found = self.files()
        self.assertLessEqual({"w/f", "new/deep/f", "w/other"}, set(found))
        self.assertEqual((found["new/deep/f"].uid, found["new/deep/f"].gid), (5, 6))

    def test_73_cache_mounts(self):
        self.build(FROM + "RUN --mount=type=cache,id=c,target=/one --mount=type=cache,id=c,target=/two echo x > /one/x; cat /two/x > /seen\n"
                   f"RUN --mount=type=cache,target=/seed,from={sample.BASE},source=/etc cp /seed/passwd /seeded\n"
                   "USER bob\nRUN --mount=type=cache,target=/mine,uid=1000,gid=1001,mode=0750 touch /mine/f && stat -c '%a %u:%g' /mine > /tmp/owner\n")
        found = self.files()
        self.assertEqual((found["seen"].content, found["tmp/owner"].content), ("x\n", "750 1000:1001\n"))
        self.assertIn("root:x:0:0", found["seeded"].content)
        error = self.refused(FROM + f"RUN --mount=type=cache,target=/c,from={sample.BASE},source=../../../../etc/hostname test -e /c\n")
        self.assertEqual(len(error.splitlines()), 1)

    def test_76_platform_arguments(self):
        out = self.build(FROM + "RUN echo \"<$TARGETARCH>\" > /none\nARG TARGETPLATFORM\nARG TARGETOS\nARG BUILDARCH\nRUN echo $TARGETPLATFORM $TARGETOS > /some\n")
        found = self.files()
        self.assertEqual(found["none"].content, "<>\n")
        self.assertRegex(found["some"].content, r"^linux/\w+ linux\n$")
        self.assertNotIn("TARGETVARIANT", "".join(self.created_by()) + out)
        self.build(FROM + "ARG TARGETARCH\nRUN echo $TARGETARCH > /arch\n", (), "--build-arg", "TARGETARCH=mine")
        self.assertEqual(self.files()["arch"].content, "mine\n")

    def test_77_a_trigger_with_a_here_document(self):
        self.build(FROM + "ONBUILD RUN <<EOF\necho one > /one\necho two > /two\nEOF\nONBUILD COPY <<EOF /three\nthree\nEOF\n", tag="base:1")
        self.build("FROM base:1\nRUN cat /one /two /three > /all\n")
        self.assertEqual(self.files()["all"].content, "one\ntwo\nthree\n")
        self.assertEqual(self.config("OnBuild"), "null")

    def test_78_owner_of_a_workdir(self):
        self.build(FROM + "RUN mkdir /root-owned && chown 5:6 /root-owned\nUSER bob\nWORKDIR /root-owned\nWORKDIR /new/deep\n")
        found = self.files()
        self.assertEqual([(found[name].uid, found[name].gid) for name in ("root-owned", "new", "new/deep")], [(5, 6), (1000, 1001), (1000, 1001)])

    def test_78_workdir_in_what_was_just_copied(self):
        """Whether the directory is there is asked of that layer alone; what leads to it decides all the same."""
        def build(path):
            folder = self.context({"Dockerfile": FROM + f"COPY made /made\nWORKDIR {path}\n", "made/w/f": "f"})
            for name, target in (("there", "w"), ("away", "/elsewhere")):
                link = os.path.join(folder, "made", name)
                if not os.path.islink(link):
                    os.symlink(target, link)
            self.engine("build", "--network", "none", "-t", "t:1", folder)
            return int(self.engine("image", "inspect", "--format", "{{len .RootFS.Layers}}", "t:1"))

        for path, made in (("/made/w", False), ("/made/./w/", False), ("/made/w/..", False), ("/", False), ("/made/there", False),
                           ("/made/new", True), ("/made/there/deep", True), ("/made/away", True)):
            with self.subTest(path=path):
                self.assertEqual(build(path), 3 if made else 2)
        self.assertIn("elsewhere", self.files())


if __name__ == "__main__":
    unittest.main()
