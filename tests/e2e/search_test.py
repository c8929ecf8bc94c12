"""`search`: what is in the store, by a part of its name."""
import unittest

from tests.support.case import StoreCase


class Search(StoreCase):
    def setUp(self):
        super().setUp()
        self.engine = self.strata()
        context = self.context({"Dockerfile": "FROM scratch\nLABEL org.opencontainers.image.description=\"A small app that does a great many things and more\"\n"})
        self.engine("build", "-t", "app:1", "-t", "app:2", "-t", "my-app:1", context)
        plain = self.context({"Dockerfile": "FROM scratch\nLABEL a=b\n"}, "plain")
        self.engine("build", "-t", "reg.example:5000/team/app:x", "-t", "apple", plain)

    def names(self, *arguments):
        return self.engine("search", "--format", "{{.Name}}", *arguments).split()

    def test_names(self):
        self.assertEqual(self.names("app"), ["app", "apple", "my-app", "reg.example:5000/team/app"])
        self.assertEqual(self.names("APPL"), ["apple"])
        self.assertEqual(self.names("*app"), ["app", "my-app"])
        self.assertEqual(self.names("*/team/*"), ["reg.example:5000/team/app"])
        self.assertEqual(self.names("nothing"), [])
        self.assertEqual(self.names("--limit", "2", "app"), ["app", "apple"])
        self.assertEqual(self.names("--filter", "is-official=true", "team"), [])
        self.assertEqual(self.names("--filter", "stars=0", "--filter", "is-automated=false", "team"), ["reg.example:5000/team/app"])
        self.assertEqual(self.names("--filter", "stars=3", "app"), [])

    def test_table(self):
        self.assertEqual(self.engine("search", "my-a").splitlines(), [
            "NAME      DESCRIPTION                                     TAGS      OFFICIAL",
            "my-app    A small app that does a great many things an\u2026   1         [OK]"])
        self.assertEqual(self.engine("search", "--no-trunc", "--format", "{{.Tags}} {{.StarCount}} {{.Description}}", "app").splitlines()[0],
                         "1,2 0 A small app that does a great many things and more")

    def test_mistakes(self):
        for arguments, message in ((("--limit", "0", "x"), "Limit 0 is outside the range of [1, 100]"), (("--filter", "x=y", "x"), "Invalid filter 'x'"),
                                   (("--filter", "stars=x", "x"), "Invalid filter 'stars=x'"), (("a[",), "syntax error in pattern")):
            result = self.engine.run("search", *arguments)
            self.assertEqual((result.code, result.err), (1, f"Error response from daemon: {message}\n"))


if __name__ == "__main__":
    unittest.main()
