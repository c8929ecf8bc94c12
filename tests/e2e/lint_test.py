"""`build --check`, `--call=outline` and `--call=targets`: a Dockerfile is read, nothing is built and no store is made."""
import base64
import json
import os
import unittest

from tests.support import rootfs, sample
from tests.support.case import StoreCase

BAD = """# a comment
FROM scratch AS Base
ENV A b
COPY node_modules /x
"""


class Lint(StoreCase):
    def setUp(self):
        super().setUp()
        self.engine = self.strata()

    def build(self, dockerfile, *options, files=(), stdin=None):
        folder = self.context({"Dockerfile": dockerfile, **dict(files)}) if stdin is None else "-"
        return self.engine.run("build", *options, folder, stdin=(stdin or "").encode())

    def test_clean_file(self):
        result = self.build("FROM scratch\nCOPY a /a\n", "--check")
        self.assertEqual((result.code, result.out, result.err), (0, "Check complete, no warnings found.\n", ""))
        self.assertFalse(os.path.exists(self.path("store")), "no store is needed, and none is made")

    def test_findings_name_file_and_line(self):
        result = self.build(BAD, "--check", files={".dockerignore": "node_modules\n"})
        self.assertEqual((result.code, result.err), (1, ""))
        self.assertEqual(result.out, """Check complete, 3 warnings have been found!

WARNING: StageNameCasing - https://docs.docker.com/go/dockerfile/rule/stage-name-casing/
stage name 'Base' is not in lower case
Dockerfile:2
--------------------
   1 |     # a comment
   2 | >>> FROM scratch AS Base
   3 |     ENV A b
   4 |     COPY node_modules /x
--------------------

WARNING: LegacyKeyValueFormat - https://docs.docker.com/go/dockerfile/rule/legacy-key-value-format/
write ENV key=value in place of ENV key value
Dockerfile:3
--------------------
   1 |     # a comment
   2 |     FROM scratch AS Base
   3 | >>> ENV A b
   4 |     COPY node_modules /x
--------------------

WARNING: CopyIgnoredFile - https://docs.docker.com/go/dockerfile/rule/copy-ignored-file/
COPY names 'node_modules', which .dockerignore leaves out
Dockerfile:4
--------------------
   2 |     FROM scratch AS Base
   3 |     ENV A b
   4 | >>> COPY node_modules /x
--------------------
""")

    def test_json(self):
        result = self.build(None, "--call=check,format=json", stdin="FROM x AS A\n")
        self.assertEqual(result.code, 1)
        document = json.loads(result.out)
        self.assertEqual([w["ruleName"] for w in document["warnings"]], ["StageNameCasing"])
        self.assertEqual(document["warnings"][0]["location"], {"ranges": [{"start": {"line": 1}, "end": {"line": 1}}]})
        self.assertEqual(base64.b64decode(document["sources"][0]["data"]), b"FROM x AS A\n")
        self.assertNotIn("buildError", document)

    def test_a_file_that_cannot_be_built(self):
        result = self.build("FROM scratch\nFOO\n", "--check")
        self.assertEqual((result.code, result.out, result.err),
                         (1, "", "Error response from daemon: dockerfile parse error line 2: unknown instruction: FOO\n"))
        result = self.build("FROM scratch\nFOO\n", "--call=check,format=json")
        self.assertEqual(json.loads(result.out)["buildError"], {"message": "dockerfile parse error line 2: unknown instruction: FOO"})
        result = self.build("FROM scratch\n", "--check", "--target=nope")
        self.assertEqual(result.err, "Error response from daemon: failed to reach build target nope in Dockerfile\n")

    def test_directive_skips_rules(self):
        self.assertEqual(self.build("# check=skip=StageNameCasing,LegacyKeyValueFormat\n" + BAD, "--check").code, 0)
        self.assertEqual(self.build("# check=skip=all\n" + BAD, "--check").code, 0)
        result = self.build("# check=skip=NoSuchRule\n" + BAD, "--check", "--build-arg", "BUILDKIT_DOCKERFILE_CHECK=skip=StageNameCasing;error=true")
        self.assertEqual((result.code, result.out.count("WARNING"), result.err), (1, 1, "lint violation found for rules: LegacyKeyValueFormat\n"))
        result = self.build("# check=nonsense\nFROM scratch\n", "--check")
        self.assertEqual((result.code, result.err), (1, 'invalid check option "nonsense"\n'))

    def test_directive_makes_a_build_fail(self):
        result = self.build("# check=error=true\nFROM scratch AS A\nENV B=c\n")
        self.assertEqual((result.code, result.err), (1, "Error response from daemon: lint violation found for rules: StageNameCasing\n"))
        self.assertNotIn("Step", result.out)
        self.assertEqual(self.build("# check=error=true;skip=StageNameCasing\nFROM scratch AS A\nENV B=c\n").code, 0)
        self.assertEqual(self.build("# check=nonsense\nFROM scratch AS A\nENV B=c\n").code, 0, "dockerd 20.10 knows no such directive")

    def test_a_build_prints_no_findings(self):
        result = self.build("FROM scratch AS A\nENV B c\n")
        self.assertEqual((result.code, result.err), (0, ""))
        self.assertNotIn("WARNING", result.out)

    def test_images_of_the_store_are_known(self):
        self.engine("import", "--change", "ENV JAVA_HOME=/j", rootfs.busybox(self.path("base.tar")), sample.BASE)
        text = f"FROM {sample.BASE}\nENV A=$JAVA_HOME B=$NODE_HOME\n"
        self.assertIn("variable '$NODE_HOME' is not defined\n", self.build(text, "--check").out)
        self.assertEqual(self.build(text.replace(" B=$NODE_HOME", ""), "--check").code, 0)
        self.assertEqual(self.engine("images", "-aq").count("\n"), 0)

    def test_wrong_calls(self):
        for value, error in (("nope", 'invalid method "nope"'), ("check,format=xml", 'invalid format "xml"'), ("check,x", 'invalid option "x"')):
            result = self.build("FROM scratch\n", "--call=" + value)
            self.assertEqual(result.code, 125)
            self.assertIn(f'invalid argument "{value}" for "--call" flag: {error}\n', result.err)
        result = self.engine.run("build", "--check", self.path("nowhere"))
        self.assertEqual((result.code, result.err), (1, f'unable to prepare context: path "{self.path("nowhere")}" not found\n'))


DESCRIBED = """# GO_VERSION of the compiler
ARG GO_VERSION=1.22
FROM golang:${GO_VERSION} AS base

# builder compiles the program
FROM base AS builder
ARG TAGS
RUN --mount=type=cache,target=/root/.cache --mount=type=secret,id=netrc,required --mount=type=secret,id=other --mount=type=ssh make

# image is what is shipped
FROM scratch AS image
COPY --from=builder /a /a
"""


class Calls(StoreCase):
    def setUp(self):
        super().setUp()
        self.engine = self.strata()
        self.folder_of_file = self.context({"Dockerfile": DESCRIBED})

    def test_outline(self):
        out = self.engine("build", "--call=outline", "--build-arg", "TAGS=x", self.folder_of_file)
        self.assertEqual(out, """TARGET:      image
DESCRIPTION: is what is shipped

BUILD ARG    VALUE     DESCRIPTION
GO_VERSION   1.22      of the compiler
TAGS         x

SECRET    REQUIRED
netrc     true
other

SSH       REQUIRED
default

CACHE MOUNT
/root/.cache""")
        self.assertFalse(os.path.exists(self.path("store")))

    def test_outline_of_a_target(self):
        out = self.engine("build", "--call", "outline", "--target", "BASE", self.folder_of_file)
        self.assertEqual(out, "TARGET:      base\n\nBUILD ARG    VALUE     DESCRIPTION\nGO_VERSION   1.22      of the compiler")

    def test_outline_as_json(self):
        document = json.loads(self.engine("build", "--call=outline,format=json", self.folder_of_file))
        self.assertEqual(base64.b64decode(document.pop("sources")[0]).decode(), DESCRIBED)

        def at(line):
            return {"ranges": [{"start": {"line": line}, "end": {"line": line}}]}

        self.assertEqual(document, {
            "name": "image", "description": "is what is shipped",
            "args": [{"name": "GO_VERSION", "description": "of the compiler", "value": "1.22", "location": at(2)}, {"name": "TAGS", "location": at(7)}],
            "secrets": [{"name": "netrc", "required": True, "location": at(8)}, {"name": "other", "location": at(8)}],
            "ssh": [{"name": "default", "location": at(8)}], "cache": [{"ID": "/root/.cache", "location": at(8)}]})

    def test_targets(self):
        self.assertEqual(self.engine("build", "--call=targets", self.folder_of_file),
                         "TARGET            DESCRIPTION\nbase\nbuilder           compiles the program\nimage (default)   is what is shipped")
        document = json.loads(self.engine("build", "--call=targets,format=json", self.folder_of_file))
        self.assertEqual([(t["name"], t.get("default", False), t["base"], t.get("description")) for t in document["targets"]],
                         [("base", False, "golang:${GO_VERSION}", None), ("builder", False, "base", "compiles the program"), ("image", True, "scratch", "is what is shipped")])


if __name__ == "__main__":
    unittest.main()
