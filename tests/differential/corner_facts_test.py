"""Hard corners of `build` that only a build shows, numbered as in docs/corner-facts.md: Strata beside a real dockerd, classic builder.

Compared are exit status, both outputs, all files of the image, what a container of it says, and what is left in the store. Facts that are
about the result of one Dockerfile stand in tests/data/builds/ instead, where also BuildKit builds them.
"""
import gzip
import lzma
import os
import unittest

from tests.support import rootfs
from tests.support.scenario import BASE, ScenarioCase

LOOK = "RUN find /c | sort; find /c -type f | sort | while read -r f; do cat \"$f\"; done\n"
# name -> files of its context; "Dockerfile" alone is a string.
CONTEXTS = {
    "tags": "FROM bb:1\nENV A=1\n",
    "cmd-one": 'FROM bb:1\nCMD ["echo hi"]\n',
    "cmd-two": 'FROM bb:1\nCMD ["echo","hi"]\n',
    "args": 'FROM bb:1\nARG foo=""\nRUN echo "<$foo>"\n',
    "args-single": "FROM bb:1\nARG foo=''\nRUN echo \"<$foo>\"\n",
    "args-nothing": 'FROM bb:1\nARG foo=\nRUN echo "<$foo>"\n',
    "args-quoted": "FROM bb:1\nARG foo=\"''\"\nRUN echo \"<$foo>\"\n",
    "args-quoted-too": "FROM bb:1\nARG foo='\"\"'\nRUN echo \"<$foo>\"\n",
    "proxy": "FROM bb:1\nRUN echo $http_proxy $HTTPS_PROXY\n",
    "proxy-declared": "FROM bb:1\nARG http_proxy\nRUN echo $http_proxy\n",
    "unused": "FROM bb:1 AS a\nARG ONE\nRUN echo $ONE\nFROM a\nRUN true\n",
    "late": "FROM bb:1\nRUN echo \"<$A>\"\nARG A=1\nRUN echo \"<$A>\"\n",
    "bad-exe": "FROM bb:1\nRUN badEXE a1 \\& a2\ta3\n",
    "bad-exec": 'FROM bb:1\nRUN ["/bin/badEXE", "a b"]\n',
    "volume-content": "FROM bb:1\nRUN mkdir /v; echo x > /v/x; chmod 600 /v/x; chown bob:staff /v/x; chmod 750 /v\nVOLUME /v\nCMD stat -c '%a %u:%g' /v /v/x; cat /v/x\n",
    "ignore-bom": {"Dockerfile": "FROM bb:1\nCOPY . /c\n" + LOOK, ".dockerignore": "\ufeff# a comment\n*.md\n  sub/x  \n!b.md\n", "a.md": "a\n", "b.md": "b\n", "sub/x": "x\n", "sub/y": "y\n"},
    "ignore-all": {"Dockerfile": "FROM bb:1\nCOPY . /c\n" + LOOK, ".dockerignore": "*\n!d/f\n!.dockerignore\n", "a": "a\n", "d/f": "f\n", "d/g": "g\n"},
    "ignore-dockerfile": {"Dockerfile": "FROM bb:1\nCOPY . /c\nRUN ls -a /c\n", ".dockerignore": "Dockerfile\n.dockerignore\n", "a": "a\n"},
    "ignore-renamed": {"MyDockerfile": "FROM bb:1\nCOPY . /c\nRUN ls -a /c\n", ".dockerignore": "MyDockerfile\n", "a": "a\n"},
    "lower": {"dockerfile": "FROM bb:1\nCOPY . /c\nRUN ls /c\n"},
    "outside/context": {"a": "a\n"},
    "outside": {"Dockerfile": "FROM bb:1\nCOPY . /c\nRUN ls -a /c\n"},
    "odd-names": {"Dockerfile": 'FROM bb:1\nCOPY . /c\nCOPY [ "a b", "/one" ]\nCOPY ["we[*]ird", "[[]x]", "/o/"]\nCOPY we\\*ird null /p/\nCOPY d* /q/\n' + LOOK + "RUN find /o /p /q /one | sort\n",
                  "null": "n\n", "we*ird": "w\n", "we[*]ird": "b\n", "a b": "blank\n", "[x]": "x\n", "d/in": "in\n", "d.txt": "txt\n"},
    "links": {"Dockerfile": "FROM bb:1\nCOPY . /c\nCOPY asymlink /as\nCOPY to-dir /dir\nRUN find /c /as /dir | sort | while read f; do stat -c '%n %F %N' \"$f\"; done\n", "foo": "foo\n", "sub/x": "x\n"},
    "to-root": {"Dockerfile": "FROM bb:1\nRUN chmod 711 / && mkdir /ex && chown 5:6 /ex\nCOPY top/ /\nCOPY f /\nCOPY f /ex\nCOPY f /new/\nWORKDIR /w\nCOPY f .\n"
                             "RUN stat -c '%n %a %u:%g' / /etc /etc/added /etc/passwd /f /ex /ex/f /new /new/f /w /w/f\n",
                "top/etc/added": "a\n", "f": "f\n"},
    "escape": {"Dockerfile": "FROM bb:1\nRUN mkdir -p /in/link && ln -s ../../../../../../../../in /out && ln -s / /top\nCOPY f /out/\nADD f /out/link/g\nCOPY f /top/etc/h\nRUN find /in /etc/h\n", "f": "f\n"},
    "groups": "FROM bb:1\nRUN echo 'bob:x:1000:1001:Bob:/home/bob:/bin/sh' > /etc/passwd && printf 'bob:x:1001:\\nstaff:x:50:bob\\n' > /etc/group\nUSER 1000\nRUN id\nUSER 1000:1001\nRUN id\nUSER 4242\nRUN id\nUSER 4242:77\nRUN id\n",
    "scratch-second": "FROM bb:1 AS one\nWORKDIR /w\nENV A=1\nLABEL l=1\nRUN echo f > f\nFROM scratch\nCOPY --from=one /w/f /\n",
    "ports": "FROM bb:1\nEXPOSE 5678/UDP 80-85/tcp\nEXPOSE " + " ".join(str(port) for port in range(1000, 6000)) + "\n",
    "ports-sorted": "FROM bb:1\nEXPOSE 443 80 100-102\n",
    "ports-unsorted": "FROM bb:1\nEXPOSE 100-102 80 443\n",
    "labels": "FROM bb:1\nLABEL a=file b=file\nENV X=x\n",
    "blanks": "FROM bb:1\nRUN echo \"  \\\n  foo  \"\nRUN { echo '#!/bin/sh'; \\\n  # gone\n  echo 'echo run'; } > /s; sh /s\n",
    "onbuild": "FROM bb:1\nonbuild   run echo   $A  \nONBUILD ENV A=b\nOnBuild RUN echo  [$A]\n",
    "onbuild-child": "FROM parent:1 aS Y\nRUN echo child\n",
    "onbuild-grandchild": "FROM child:1\nRUN echo grandchild\n",
    "entry": 'FROM bb:1\nENTRYPOINT ["echo", "e"]\nCMD ["c"]\n',
    "entry-cmd": 'FROM entry:1\nCMD ["d"]\n',
    "entry-none": "FROM entry:1\nENTRYPOINT []\n",
    "numbers": "FROM bb:1\nMAINTAINER 123\nWORKDIR /a\nWORKDIR b\nRUN pwd\n",
    "stages": "FROM bb:1 AS First.Stage-1_x\nRUN echo 1 > /1\nFROM bb:1\nCOPY --from=FIRST.stage-1_X /1 /2\nCOPY --from=bb:1 /etc/passwd /p\nRUN cat /2 /p\n",
    "nothing-behind-env": "FROM bb:1\nENV \t\n",
    "nothing-behind-copy": "FROM bb:1\nCOPY\t\n",
    "stage-one": "FROM bb:1 AS 1\n",
    "archives": {"Dockerfile": "FROM bb:1\nADD twice.tar.xz.gz /o/\nRUN find /o\n"},
    "volume-name": "FROM bb:1\nVOLUME name:/foo\nVOLUME \\${FOO}\n",
    "copies-of-nothing": {"Dockerfile": "FROM bb:1\nCOPY empty /o/\nCOPY empty/. /p\nRUN find /o /p\n"},
}
# Of a context above, these links: name -> target.
LINKS = {"links/asymlink": "foo", "links/loop": "loop2", "links/loop2": "loop", "links/broken": "nowhere", "links/to-dir": "sub", "links/abs": "/etc/passwd", "the-link": "to-root",
         "outside/linked": "Dockerfile"}


def build(context, *flags, tag="x:1"):
    return ("build", "N", "-t", tag, *flags, "CONTEXT/" + context)


def built(context, *flags):
    return (BASE, [build(context, "--no-cache", *flags), "rootfs x:1"])


def failed(context, *flags):
    return (BASE, [build(context, "--force-rm", *flags)])


ENTRY = [*BASE, build("entry", tag="entry:1")]
SCENARIOS = {
    "2-5 copies into the root, existing and new directories": built("to-root"),
    "6 links out of the root": built("escape"),
    "9 EXPOSE: case, ranges, 5000 ports": (BASE, [build("ports"), ("inspect", "-f", "{{len .Config.ExposedPorts}}", "x:1")]),
    "9 EXPOSE: order does not matter": (BASE, [build("ports-sorted"), build("ports-unsorted"), ("history", "--no-trunc", "--format", "{{.CreatedBy}}", "x:1")]),
    "9 13 numbers, relative WORKDIR": (BASE, [build("numbers"), ("inspect", "-f", "{{.Author}} {{.Config.WorkingDir}}", "x:1")]),
    "10 a child's CMD": (ENTRY, [build("entry-cmd"), "run --rm N x:1"]),
    "10 ENTRYPOINT []": (ENTRY, [build("entry-none"), ("inspect", "-f", "{{json .Config.Entrypoint}} {{json .Config.Cmd}}", "x:1")]),
    "11 two forms of CMD share no step": (BASE, [build("cmd-one", tag="one:1"), build("cmd-two", tag="two:1"), build("cmd-one", tag="one:1")]),
    "14 a second stage FROM scratch": (BASE, [build("scratch-second"), "rootfs x:1", ("inspect", "-f", "{{json .Config.Env}} {{json .Config.Labels}} {{.Config.WorkingDir}}", "x:1")]),
    "15 16 names of volumes": (BASE, [build("volume-name"), ("inspect", "-f", "{{json .Config.Volumes}}", "x:1")]),
    "17 content of a volume": (BASE, [build("volume-content"), "run --rm N x:1"]),
    "21 empty build arguments": (BASE, [build(name) for name in ("args", "args-single", "args-nothing", "args-quoted", "args-quoted-too", "args")]),
    "22 ARG after its use": built("late", "--build-arg", "A=2"),
    "23 proxies that are not declared": (BASE, [build("proxy", "--build-arg", "http_proxy=p", "--build-arg", "HTTPS_PROXY=q"), ("history", "--no-trunc", "--format", "{{.CreatedBy}}", "x:1"),
                                                build("proxy", "--build-arg", "http_proxy=another")]),
    "23 proxies that are": (BASE, [build("proxy-declared", "--build-arg", "http_proxy=p"), ("history", "--no-trunc", "--format", "{{.CreatedBy}}", "x:1"),
                                   build("proxy-declared", "--build-arg", "http_proxy=another")]),
    "24 unused arguments": (BASE, [build("unused", "--build-arg", "TWO=2", "--build-arg", "ONE=1", "--build-arg", "ftp_proxy=x")]),
    "26 27 stages": built("stages"),
    "27 a stage called 1": failed("stage-one"),
    "30 blanks behind the keyword": (BASE, [build("nothing-behind-env"), build("nothing-behind-copy")]),
    "31 the error repeats the words": failed("bad-exe"),
    "33 34 blanks and marks within RUN": built("blanks"),
    "35 .dockerignore with a mark of order, comments, exceptions": built("ignore-bom"),
    "35 .dockerignore of everything": built("ignore-all"),
    "35 .dockerignore of the Dockerfile": built("ignore-dockerfile"),
    "35 .dockerignore of a renamed Dockerfile": built("ignore-renamed", "-f", "CONTEXT/ignore-renamed/MyDockerfile"),
    "37 a Dockerfile in small letters": built("lower"),
    "37 a Dockerfile that is a link": built("outside", "-f", "CONTEXT/outside/linked"),
    "37 a Dockerfile that is absent": failed("tags", "-f", "CONTEXT/tags/nope"),
    "37 a context that is a link": built("the-link"),
    "40 an archive in an archive": built("archives"),
    "42 labels of the command line": (BASE, [build("labels", "--label", "a=$X", "--label", "foo", "--label", "c=d e"), ("inspect", "-f", "{{json .Config.Labels}}", "x:1"),
                                             ("history", "--no-trunc", "--format", "{{.CreatedBy}}", "x:1")]),
    "43 two tags": (BASE, [("build", "N", "-t", "a", "-t", "b:x", "-t", "a:latest", "CONTEXT/tags"), ("images", "--format", "{{.Repository}}:{{.Tag}}")]),
    "49 odd names": built("odd-names"),
    "50-52 links": built("links"),
    "53 groups of numbers": built("groups"),
    "77 triggers": (BASE, [build("onbuild", tag="parent:1"), build("onbuild-child", tag="child:1"), build("onbuild-grandchild", tag="grand:1"),
                           ("inspect", "-f", "{{json .Config.OnBuild}}", "parent:1"), ("inspect", "-f", "{{json .Config.OnBuild}}", "child:1")]),
}


class CornerFacts(ScenarioCase):
    KEEP = True

    @classmethod
    def setUpClass(cls):
        cls.FILES = {}
        for name, files in CONTEXTS.items():
            for file, content in ({"Dockerfile": files} if isinstance(files, str) else files).items():
                cls.FILES[f"{name}/{file}"] = content
        super().setUpClass()
        cls.LINKS = LINKS
        folder = cls.ours.folder
        for name, target in LINKS.items():
            os.symlink(target, os.path.join(folder, name))
        os.mkdir(os.path.join(folder, "copies-of-nothing/empty"))
        os.chmod(os.path.join(folder, "to-root/top/etc"), 0o700)
        with open(rootfs.busybox(os.path.join(cls.roots, "inner.tar")), "rb") as file, open(os.path.join(folder, "archives/twice.tar.xz.gz"), "wb") as out:
            out.write(gzip.compress(lzma.compress(file.read(100_000), preset=0)))

    def test_every_fact(self):
        self.compare(SCENARIOS)

    def test_36_a_touched_dockerfile_that_is_ignored(self):
        """The COPY behind it is cached all the same."""
        for side in (self.ours, self.dockerd_side()):
            side.clear(keep=True)
            side.prepare(BASE)
            path = os.path.join(side.folder, "ignore-dockerfile/Dockerfile")
            side.engine(*side.arguments(("build", "--network", "none", "CONTEXT/ignore-dockerfile")))
            with open(path, "a") as file:
                file.write("# touched\nENV A=1\n")
            out = side.engine(*side.arguments(("build", "--network", "none", "CONTEXT/ignore-dockerfile")))
            self.assertEqual(out.count("Using cache"), 2, out)
            with open(path, "w") as file:
                file.write(CONTEXTS["ignore-dockerfile"]["Dockerfile"])

    def test_52_a_broken_link_is_part_of_the_key(self):
        for side in (self.ours, self.dockerd_side()):
            side.clear(keep=True)
            side.prepare(BASE)
            found = []
            for target in ("nowhere", "nowhere", "elsewhere"):
                path = os.path.join(side.folder, "links/broken")
                os.unlink(path)
                os.symlink(target, path)
                found.append(side.engine(*side.arguments(("build", "--network", "none", "CONTEXT/links"))).count("Using cache"))
            self.assertEqual(found[1], 4)
            os.unlink(path)
            os.symlink("nowhere", path)


if __name__ == "__main__":
    unittest.main()
