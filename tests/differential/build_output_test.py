"""What `build` prints, line by line, and how it exits: Strata beside a real dockerd with the classic builder.

Both run the same Dockerfiles in the same folders on stores of their own. Ids become their kind (tests/support/golden.py); so do
the words with which docker's client says that a message came from its daemon, which Strata does not have.
"""
import os
import re
import shutil
import tempfile
import unittest
from typing import NamedTuple

from tests.support import rootfs, sample
from tests.support.case import IN_MEMORY, StoreCase
from tests.support.dockerd import Dockerd
from tests.support.engine import Strata
from tests.support.golden import normalise
from tests.support.known import Known

FROM = f"FROM {sample.BASE}\n"


class Case(NamedTuple):
    dockerfile: str
    flags: tuple = ()
    files: dict = {}
    context: str = ""  # another build context than the folder


def case(dockerfile, *flags, **other):
    return Case(dockerfile, flags, **other)


SUCCEED = {
    "every kind of metadata": case(
        FROM + 'LABEL a=1 b="two words"\nENV A=1 B="$A x" C=d\\ e\nEXPOSE 80/tcp 443\nUSER bob\nUSER root\nSTOPSIGNAL 9\n'
        'VOLUME ["/v 1", "/v2"]\nMAINTAINER Some Body <s@example.org>\nSHELL ["/bin/sh", "-e", "-c"]\nENTRYPOINT ["/bin/echo"]\n'
        'CMD a  b\nONBUILD RUN echo x\nHEALTHCHECK --retries=2 CMD true\n'),
    "steps without a layer": case(FROM + "WORKDIR /etc\nRUN true\nWORKDIR /new\nWORKDIR deeper\n"),
    "output on both streams": case(FROM + "RUN echo one; echo two\nRUN printf 'no end of line'\nRUN echo wrong >&2\nRUN printf 'a\\rb\\n'\n"),
    "exec form": case(FROM + 'RUN ["echo", "a  b", "$HOME"]\nCMD ["x", "y \\"z\\" <&>"]\n'),
    "copies": case(FROM + "COPY f /\nCOPY . /all\nADD f d/ /into/\nCOPY *.txt f /txt/\n",
                   files={"f": "f\n", "a.txt": "a\n", "b.txt": "b\n", "d/x": "x\n"}),
    "ignored files": case(FROM + "COPY . /c\nRUN find /c | sort\n", files={
        ".dockerignore": "# all but d/keep\n*\n!d/keep*\nd/keep-not\n", "f": "", "d/keep-a": "", "d/keep-not": "", "d/x": ""}),
    "two stages": case(FROM.replace("\n", " AS first\n") + "RUN echo 1 > /one\n" + FROM + "COPY --from=first /one /two\nCOPY --from=0 /one /\n"),
    "arguments": case("ARG TAG=test\nFROM busybox:$TAG\nARG X=1\nARG Y\nRUN echo $X $Y\nLABEL x=$X\n", "--build-arg", "X=2", "--build-arg", "Y=z"),
    "an argument that nobody wants": case(FROM + "RUN true\n", "--build-arg", "NOBODY=1", "--build-arg", "HTTP_PROXY=http://x"),
    "labels on the command line": case(FROM + "LABEL b=0\n", "--label", "b=1", "--label", "a=x y", "--label", "empty"),
    "several tags": case(FROM, "-t", "other:x", "-t", "example.org:5000/deep/name", "-t", "other:x"),
    "quiet": case(FROM + "RUN echo unheard\n", "-q"),
    "containers kept": case(FROM + "ENV A=1\nRUN true\n", "--rm=false"),
    "target": case(FROM.replace("\n", " AS one\n") + "ENV A=1\n" + FROM.replace("\n", " as Two\n") + "ENV B=1\n", "--target", "ONE"),
    "continued lines": case("# escape=`\n\n" + FROM + "RUN echo a `\n  # a comment\n  b   `  \n  c\n"),
    "an empty continued line": case(FROM + "RUN echo a \\\n\n  b\n"),
    "variables": case(FROM + 'ENV X=v E=\nLABEL a=${X:-d} b=${U:-d} c=${E:-d} d=${X:+p} e="${U:-a b}" f=\\$X g=\'$X\'\nWORKDIR /$X\nRUN echo "$PWD"\n'),
    "health checks": case(FROM + "HEALTHCHECK CMD true && echo ok\nHEALTHCHECK --interval=1m30s CMD true\nHEALTHCHECK NONE\n"),
    "from nothing": case("FROM scratch\nCOPY f /f\nENV A=1\n", files={"f": "f\n"}),
    "another name": case(FROM, "-f", "CONTEXT/sub/Build.file", files={"sub/Build.file": FROM + "ENV FROM_SUB=1\n"}),
    "an archive": case(FROM + "ADD base.tar /\n", files={"base.tar": rootfs}),
    "without cache": case(FROM + "ENV A=1\nRUN true\n", "--no-cache"),
}

FAIL = {
    "empty file": case(""),
    "only comments": case("# nothing\n"),
    "no stage": case("RUN true\n"),
    "unknown instruction": case(FROM + "\nFOO bar\n"),
    "copy of nothing": case(FROM + "COPY a\n"),
    "unknown flag of an instruction": case(FROM + "COPY --foo=1 a b\n"),
    "flag twice": case(FROM + "COPY --chown=1 --chown=2 a b\n"),
    "flag without value": case(FROM + "COPY --chown a b\n"),
    "words behind FROM": case(FROM.replace("\n", " x\n")),
    "bad stage name": case(FROM.replace("\n", " AS 1x\n")),
    "nothing behind ENV": case(FROM + "ENV\n"),
    "ENV without value": case(FROM + "ENV A\n"),
    "ENV without =": case(FROM + "ENV A=1 B\n"),
    "ENV without name": case(FROM + "ENV =1\n"),
    "nothing behind USER": case(FROM + "USER\n"),
    "SHELL not JSON": case(FROM + "SHELL /bin/sh -c\n"),
    "numbers in JSON": case(FROM + 'CMD ["a", 1]\n'),
    "HEALTHCHECK of unknown type": case(FROM + "HEALTHCHECK FOO\n"),
    "HEALTHCHECK without command": case(FROM + "HEALTHCHECK CMD\n"),
    "HEALTHCHECK too often": case(FROM + "HEALTHCHECK --interval=1us CMD true\n"),
    "ONBUILD ONBUILD": case(FROM + "ONBUILD ONBUILD RUN x\n"),
    "ONBUILD FROM": case(FROM + "ONBUILD FROM x\n"),
    "empty VOLUME": case(FROM + 'VOLUME [""]\n'),
    "bad escape": case("# escape=x\n" + FROM),
    "unknown target": case(FROM, "--target", "zz"),
    "bad tag": case(FROM, "-t", "Bad"),
    "unknown flag": case(FROM, "--nope"),
    "bad build-arg": case(FROM, "--build-arg", "=1"),
    "no Dockerfile": case(None),
    "no such Dockerfile": case(FROM, "-f", "CONTEXT/nope"),
    "no such context": case(FROM, context="CONTEXT/nodir"),
    "bad ignore file": case(FROM, files={".dockerignore": "[\n"}),
    "missing source": case(FROM + "COPY nope /\n"),
    "ignored source": case(FROM + "COPY f /\n", files={"f": "", ".dockerignore": "f\n"}),
    "source outside": case(FROM + "COPY ../x /\n"),
    "pattern without a hit": case(FROM + "COPY x* /y/\n"),
    "many sources, no slash": case(FROM + "COPY a b /x\n", files={"a": "", "b": ""}),
    "missing in a stage": case(FROM.replace("\n", " AS a\n") + FROM + "COPY --from=a /nope /\n"),
    "stage number too large": case(FROM + "COPY --from=5 /a /b\n"),
    "unknown owner": case(FROM + "COPY --chown=nosuch f /\n", files={"f": ""}),
    "unknown group": case(FROM + "COPY --chown=root:nosuch f /\n", files={"f": ""}),
    "RUN fails": case(FROM + "ENV A=1\nRUN echo before; exit 3\nRUN echo never\n"),
    "RUN fails, container removed": case(FROM + "RUN exit 255\n", "--force-rm"),
    "RUN fails quietly": case(FROM + "RUN echo said; exit 4\n", "-q"),
    "RUN of an unknown program": case(FROM + "RUN nosuchprogram\n"),
    "RUN is killed": case(FROM + "RUN kill -9 $$\n"),
    "RUN as an unknown user": case(FROM + "USER nosuch\nRUN true\n"),
    "variable that must be set": case(FROM + "ENV A=${X?oops}\n"),
    "bad substitution": case(FROM + "ENV A=${}\n"),
    "quote without end": case(FROM + 'LABEL a="x\n'),
    "bad port": case(FROM + "EXPOSE 99999\n"),
    "bad signal": case(FROM + "STOPSIGNAL FOO\n"),
    "WORKDIR on a file": case(FROM + "WORKDIR /etc/passwd\n"),
    "blank base": case("ARG B\nFROM $B\n"),
    "bad base name": case("FROM UPPER\n"),
    "FROM scratch alone": case("FROM scratch\n"),
    "trigger that is unknown": case(FROM + "ONBUILD FOO x\n"),
}


def comparable(text, folder):
    text = text.replace("\x1b[0m\x1b[91m", "")  # where a container's writes to stderr are cut is chance
    text = normalise(text).replace("Error response from daemon: ", "").replace(folder, "CONTEXT")
    return re.sub(r"See '(docker|strata) ", "See 'docker ", text)


class BuildOutput(StoreCase):
    """One dockerd and one pair of stores for all cases: the cases are independent of each other but for the cache."""
    where = IN_MEMORY

    @classmethod
    def setUpClass(cls):
        cls.roots = tempfile.mkdtemp(prefix="strata-output-", dir=IN_MEMORY)
        cls.addClassCleanup(shutil.rmtree, cls.roots, ignore_errors=True)
        cls.ours = Strata(os.path.join(cls.roots, "ours"))
        cls.theirs = Dockerd(os.path.join(cls.roots, "theirs"))
        cls.addClassCleanup(cls.theirs.__exit__)
        cls.known = Known("build_output_test")
        cls.base = rootfs.busybox(os.path.join(cls.roots, "base.tar"))
        cls.ours("import", cls.base, sample.BASE)

    def dockerd_of_all(self):
        if not self.theirs.process:
            self.theirs.start()
            self.theirs("import", self.base, sample.BASE)
        return self.theirs

    def build(self, engine, case, folder, name):
        flags = [flag.replace("CONTEXT", folder) for flag in case.flags]
        context = case.context.replace("CONTEXT", folder) or folder
        result = engine.run("build", "--network", "none", "-t", name, *flags, context)
        return [f"exit status {result.code}", "--- stdout", comparable(result.out, folder), "--- stderr", comparable(result.err, folder)]

    def write(self, case, number):
        files = {name: self.archive() if content is rootfs else content for name, content in case.files.items()}
        if case.dockerfile is not None:
            files["Dockerfile"] = case.dockerfile
        return self.context(files | {"number": f"{number}\n"}, f"c{number}")  # a context of its own: no hits by chance

    def archive(self):
        with open(os.path.join(self.roots, "base.tar"), "rb") as file:
            return file.read()

    def compare(self, cases, times=1):
        for number, (name, case) in enumerate(cases.items()):
            with self.subTest(name):
                folder, question = self.write(case, number), (number, case, times)
                ours = [self.build(self.ours, case, folder, f"case:{number}") for _ in range(times)]
                if self.known.agrees(question, ours):
                    continue
                dockerd = self.dockerd_of_all()
                theirs = [self.build(dockerd, case, folder, f"case:{number}") for _ in range(times)]
                for mine, other in zip(ours, theirs):
                    self.assertEqual("\n".join(mine), "\n".join(other), f"(first Strata, second docker) {case.dockerfile}")
                self.known.note(question, theirs)

    def test_builds_that_succeed_and_their_second_run(self):
        self.compare(SUCCEED, times=2)

    def test_builds_that_fail(self):
        self.compare(FAIL)

    def test_triggers_run_in_the_child(self):
        parent = FROM + "ONBUILD COPY f /f\nONBUILD RUN cat /f\n   ONBUILD    env  A=b\n"
        child = "FROM case:parent\nRUN echo $A\n"
        for files in ({"Dockerfile": parent, "f": "f\n"}, {"Dockerfile": child, "f": "f\n"}):
            folder, name = self.context(files), "case:parent" if files["Dockerfile"] is parent else "case:child"
            for _ in range(2):
                theirs, ours = (self.build(engine, case(None), folder, name) for engine in (self.dockerd_of_all(), self.ours))
                self.assertEqual("\n".join(ours), "\n".join(theirs))

    def test_iidfile(self):
        folder, file = self.context({"Dockerfile": FROM + "ENV A=1\n", "bad": FROM + "RUN false\n"}), self.path("id")
        for engine in (self.dockerd_of_all(), self.ours):
            self.assertEqual(engine.run("build", "--network", "none", "--iidfile", file, folder).code, 0)
            with open(file) as written:
                self.assertEqual(engine("inspect", "--format", "{{.Config.Env}}", written.read()).count("A=1"), 1)
            self.assertEqual(engine.run("build", "--network", "none", "--iidfile", file, "-f", folder + "/bad", folder).code, 1)
            self.assertFalse(os.path.exists(file))


if __name__ == "__main__":
    unittest.main()
