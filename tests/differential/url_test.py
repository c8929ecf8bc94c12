"""ADD of URLs: what is printed, what arrives and what the cache finds, by Strata and by a real dockerd, from one web server."""
import gzip
import os
import re
import unittest

from tests.support import rootfs, sample
from tests.support.case import IN_MEMORY, StoreCase
from tests.support.golden import normalise
from tests.support.web import PAGES, Web

FROM = f"FROM {sample.BASE}\n"
LOOK = "RUN cd /o; for i in *; do stat -c '%n %F %a %u:%g %Y %s' \"$i\"; done; cat *\n"


class Urls(StoreCase):
    where = IN_MEMORY

    def setUp(self):
        super().setUp()
        self.web = Web()
        self.addCleanup(self.web.stop)
        self.web.pages = PAGES | {"/t.tar.gz": (200, {}, gzip.compress(b"\0" * 10240)),
                                  "/encoded": (200, {"Content-Encoding": "gzip"}, gzip.compress(b"plain text\n"))}
        self.theirs, self.ours = self.dockerd("theirs"), self.strata("ours")
        base = rootfs.busybox(self.path("base.tar"))
        for engine in (self.theirs, self.ours):
            engine("import", base, sample.BASE)

    def build(self, engine, *arguments, **options):
        result = engine.run("build", "--network", "none", *arguments, **options)
        text = normalise(result.out + "--- stderr\n" + result.err).replace("Error response from daemon: ", "")
        text = text.replace(engine.root, "ROOT").replace(self.web.url, "URL")
        return f"exit status {result.code}\n{text}"

    def assert_same(self, *arguments, **options):
        theirs = self.build(self.theirs, *arguments, **options)
        self.assertEqual(self.build(self.ours, *arguments, **options), theirs)
        return theirs

    def test_add(self):
        url = self.web.url
        sources = ["/f.txt", "/f.txt?q=1", "/f.txt#x", "/bad-date", "/a%20b", "/named/", "/moved", "/empty", "/endless", "/big", "/t.tar.gz", "/encoded"]
        for source in sources:
            with self.subTest(source):
                dockerfile = f"{FROM}ADD {url}{source} /o/\n{LOOK}".replace("; cat *", "" if source in ("/big", "/t.tar.gz") else "; cat *")
                context = self.context({"Dockerfile": dockerfile})
                self.assert_same("-t", "x:1", context)
                self.assertIn("Using cache", self.assert_same("-t", "x:1", context), "fetched again, and found")
                history = [engine("history", "--no-trunc", "--format", "{{.CreatedBy}}", "x:1") for engine in (self.ours, self.theirs)]
                self.assertEqual(*history)

    def test_destinations(self):
        url = self.web.url
        for number, add in enumerate((f"{url}/f.txt {url}/bad-date f /o/", f"{url}/ /o/named", f"{url} /o/named", f"--chown=1:2 {url}/f.txt /o/",
                                      f"{url}/f.txt /o/x/y/z", f"{url}/f.txt /etc")):
            with self.subTest(add):
                look = "RUN find / -xdev -name f.txt -o -path '/o*' -xdev | sort | xargs stat -c '%n %F %a %u:%g'\n"
                self.assert_same(self.context({"Dockerfile": f"{FROM}ADD {add}\n{look}", "f": "f\n"}, f"c{number}"))

    def test_dockers_cache_is_ours(self):
        """What dockerd 20.10 has built is found by Strata on the same store."""
        context = self.context({"Dockerfile": f"{FROM}ADD {self.web.url}/f.txt /o/\n"})
        image = self.theirs("build", "-q", "--network", "none", context)
        self.theirs.stop()
        self.assertEqual(self.strata("theirs")("build", "-q", "--network", "none", context), image)

    def test_errors(self):
        url = self.web.url
        for source in (f"{url}/nope", f"{url}/broken", f"{url}/cut", f"{url}/loop", f"{url}/ftp", f"{url}/", url, "http://127.0.0.1:1/x",
                       "http:///x", "http://[::1/x", f"{url}/%zz", "http://h:8x/", "HTTP://127.0.0.1/x"):
            with self.subTest(source):
                self.assert_same(self.context({"Dockerfile": f"{FROM}ADD {source} /o/\n"}))
        self.assert_same(self.context({"Dockerfile": f"{FROM}ADD {url}/f.txt {url}/ /o\n"}))
        self.assertEqual([name for name in os.listdir(self.path("ours/strata")) if name.startswith("add-")], [])

    def test_import(self):
        with open(self.path("base.tar"), "rb") as file:
            tar = file.read()
        self.web.pages |= {"/b.tar": (200, {}, tar), "/until-close": (200, {"Content-Length": None}, gzip.compress(tar))}
        url = self.web.url

        def same(source, *arguments):
            theirs, ours = (engine.run("import", *arguments, source, "u:1") for engine in (self.theirs, self.ours))
            self.assertEqual(*((result.code, normalise(result.out)) for result in (ours, theirs)))
            return theirs.err, ours.err

        for source in ("/b.tar", "/until-close", "/nope", "/broken", "/cut", "/ftp"):
            with self.subTest(source):
                theirs, ours = same(url + source, "-c", "ENV A=1")
                self.assertEqual(ours.removeprefix(f"import {url}{source}: "), theirs)
        self.assertIn("unexpected EOF", same(url + "/f.txt")[1])
        for source in ("http://127.0.0.1:1/x", "https://127.0.0.1:1/x", "ftp://x/y", "HTTP://127.0.0.1/x", "127.0.0.1/x"):
            with self.subTest(source):
                theirs, ours = same(source)
                self.assertEqual(ours.removeprefix("open ").strip(), theirs.removeprefix("open ").strip())
        for engine in (self.theirs, self.ours):
            engine("import", "-m", "said", f"{url}/b.tar", "u:2")
        for name in ("u:1", "u:2"):
            show = [engine("history", "--format", "{{.Comment}}", name) + engine("image", "inspect", "-f", "{{.RootFS.Layers}}{{.Config.Env}}", name)
                    for engine in (self.ours, self.theirs)]
            self.assertEqual(*show)

    def test_a_host_that_is_not_there(self):
        context = self.context({"Dockerfile": f"{FROM}ADD http://no.such.host.invalid/x /o/\n"})
        theirs, ours = (re.sub(r" on [0-9.:]+:53", "", self.build(engine, context)) for engine in (self.theirs, self.ours))
        self.assertEqual(ours, theirs)


if __name__ == "__main__":
    unittest.main()
