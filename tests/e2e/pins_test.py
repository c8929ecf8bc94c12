"""Pins and the last use of images: what no removal takes without force, and what a prune by age spares."""
import json
import os
import time
import unittest

from tests.support.case import IN_MEMORY, StoreCase

DAY = 24 * 3600


class PinsTest(StoreCase):
    where = IN_MEMORY

    def setUp(self):
        super().setUp()
        self.engine = self.strata()
        folder = self.context({"f": "f\n", "Dockerfile": "FROM scratch\nCOPY f /\nARG name\nLABEL name=$name\n"})
        for name in ("one", "two", "three"):
            self.engine("build", "-q", "-t", f"{name}:1", "--build-arg", f"name={name}", folder)
        self.ids = self.store().tags()

    def refused(self, *words):
        result = self.engine.run(*words)
        self.assertEqual((result.code, result.err.count("\n")), (1, 1), str(result))
        return result.err

    def aged(self, name, days):
        """As if the image had come, been named and been used that long ago."""
        image, then = self.ids[name], time.time() - days * DAY
        metadata = self.store().path("image/overlay2/imagedb/metadata/sha256", image, "lastUpdated")
        with open(metadata, "w") as file:
            file.write(time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(then)))
        for path in ("strata/used", "image/overlay2/imagedb/content/sha256"):
            os.utime(self.store().path(path, image), (then, then))

    def listed(self, *options):
        return set(self.engine("images", "--format", "{{.Repository}}:{{.Tag}}", *options).split())

    def test_a_pinned_image_goes_by_force_alone(self):
        self.assertEqual(self.engine("pin", "one:1", "two:1"), "one:1\ntwo:1")
        image = self.ids["one:1"][:12]
        self.assertEqual(self.refused("rmi", "one:1"), "Error response from daemon: conflict: unable to remove repository reference "
                         f"\"one:1\" (must force) - its image {image} is pinned\n")
        self.assertEqual(self.refused("rmi", image), f"Error response from daemon: conflict: unable to delete {image} (must be forced) - "
                         "image is pinned\n")
        self.assertEqual(self.store().tags(), self.ids)
        self.engine("tag", "one:1", "more:1")
        self.engine("rmi", "more:1")  # a name more or less is not the image
        self.engine("rmi", "-f", "one:1")
        self.assertEqual(self.engine("pins", "-q", "--no-trunc"), "sha256:" + self.ids["two:1"])
        self.engine("image", "unpin", "two:1")
        self.engine("rmi", "two:1")
        self.assert_store_sound("store", "--expect-clean")

    def test_no_prune_takes_a_pinned_image_or_one_of_its_names(self):
        self.engine("pin", self.ids["one:1"][:12])
        self.engine("tag", "one:1", "also:1")
        self.engine("tag", "two:1", "one:1")  # the pin stays with the image, not with the name
        self.engine("system", "prune", "-af")
        self.assertEqual(self.store().tags(), {"also:1": self.ids["one:1"]})
        self.engine("pin", "also:1")
        self.engine("build", "-q", "-t", "also:1", self.context({"f": "g\n", "Dockerfile": "FROM scratch\nCOPY f /\n"}, "other"))
        self.engine("image", "prune", "-f")
        self.assertIn(self.ids["one:1"], self.store().image_ids(), "pinned, and without a name")
        self.engine("image", "unpin", self.ids["one:1"])
        self.engine("image", "prune", "-f")
        self.assertNotIn(self.ids["one:1"], self.store().image_ids())

    def test_it_is_shown_and_survives(self):
        self.engine("image", "pin", "one:1")
        self.assertEqual(self.listed("--filter", "pinned=true"), {"one:1"})
        self.assertEqual(self.listed("--filter", "pinned=false"), {"two:1", "three:1"})
        self.assertRegex(self.engine("image", "pins"), r"^REPOSITORY +TAG .*\none +1 .*$")
        self.assertEqual(self.engine("inspect", "-f", "{{.Metadata.Pinned}}", "one:1"), "true")
        self.assertNotIn("Pinned", json.loads(self.engine("inspect", "two:1"))[0]["Metadata"])
        self.assertEqual(self.engine.run("check", "--repair").code, 0)
        self.assertEqual(self.listed("--filter", "pinned=true"), {"one:1"})
        self.assertEqual(self.refused("pin", "nosuch"), "Error response from daemon: No such image: nosuch:latest\n")
        self.assertEqual(self.refused("unpin", "nosuch"), "Error response from daemon: No such image: nosuch:latest\n")
        self.assertEqual(self.refused("images", "--filter", "pinned=x"), "Error response from daemon: Invalid filter 'pinned=[x]'\n")

    def test_what_was_used_lately_is_spared(self):
        for name in self.ids:
            self.aged(name, 40)
        self.engine("create", "--name", "box", "two:1", "/f")
        self.engine("rm", "box")
        self.engine("build", "-q", "-t", "child:1", self.context({"Dockerfile": "FROM three:1\nLABEL a=b\n"}, "child"))
        self.assertEqual(self.listed("--filter", "unused-for=30d"), {"one:1"})
        self.engine("image", "prune", "-f", "--unused-for", "720h")
        self.assertEqual(self.listed(), {"one:1", "two:1", "three:1", "child:1"}, "without -a named images stay")
        self.engine("image", "prune", "-af", "--unused-for", "41d")
        self.assertIn("one:1", self.listed())
        self.engine("system", "prune", "-af", "--unused-for", "720h")
        self.assertEqual(self.listed(), {"two:1", "three:1", "child:1"})
        self.engine("image", "prune", "-af")
        self.assertEqual(self.store().image_ids(), [])
        self.assertEqual(os.listdir(self.store().path("strata/used")), [])

    def test_each_kind_of_use_counts(self):
        self.engine("save", "-o", self.path("one.tar"), "one:1")
        uses = {"tag": ("tag", "one:1", "x:1"), "create": ("create", "one:1", "/f"), "load": ("load", "-q", "-i", self.path("one.tar")),
                "pin": ("pin", "one:1"), "build": ("build", "-q", "--no-cache", self.context({"Dockerfile": "FROM one:1\nLABEL c=d\n"}, "use"))}
        for name, words in uses.items():
            with self.subTest(name):
                self.aged("one:1", 40)
                self.assertIn("one:1", self.listed("--filter", "unused-for=30d"))
                self.engine(*words)
                self.assertNotIn("one:1", self.listed("--filter", "unused-for=30d"))

    def test_without_a_record_the_time_counts_when_the_image_came(self):
        self.aged("one:1", 40)
        for name in self.ids:
            os.unlink(self.store().path("strata/used", self.ids[name]))
        self.engine("image", "prune", "-af", "--unused-for", "30d")
        self.assertEqual(self.listed(), {"two:1", "three:1"})

    def test_a_duration_that_is_none_removes_nothing(self):
        self.engine("create", "--name", "box", "one:1", "/f")
        for words in (("image", "prune", "-af"), ("system", "prune", "-af")):
            self.assertIn("invalid duration \"soon\": use hours or days, such as 720h or 30d", self.refused(*words, "--unused-for", "soon"))
        self.assertEqual((self.store().tags(), len(self.store().container_ids())), (self.ids, 1))

    def test_dockerd_lists_and_strata_still_knows_the_pins(self):
        self.engine("pin", "one:1")
        docker = self.dockerd()
        self.assertEqual({*docker("images", "--format", "{{.Repository}}:{{.Tag}}").split()}, set(self.ids))
        docker("rmi", "two:1")
        docker.stop()
        self.engine("system", "prune", "-af")
        self.assertEqual(self.listed("--filter", "pinned=true"), {"one:1"})
        self.assertEqual(self.engine.run("check").code, 0)


if __name__ == "__main__":
    unittest.main()
