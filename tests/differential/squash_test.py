"""`build --squash` beside a dockerd with experimental features: the documents of the image, and the tar of its one new layer."""
import io
import json
import re
import tarfile
import unittest

from tests.support import rootfs, sample
from tests.support.case import StoreCase
from tests.support.dockerd import Dockerd

DOCKERFILE = f"""FROM {sample.BASE}
RUN mkdir /d && echo 1 > /d/one && echo x > /gone && ln -s one /d/link
RUN rm /gone && echo 2 > /d/two && rm /etc/group && chmod 700 /etc
COPY f /d/one
ENV A=1
WORKDIR /d
CMD ["x"]
"""


def documents(archive):
    """The config of the first image of an archive, and the names, kinds and modes of each layer's entries."""
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        item = json.load(tar.extractfile("manifest.json"))[0]
        config = json.load(tar.extractfile(item["Config"]))
        layers = []
        for name in item["Layers"]:
            with tarfile.open(fileobj=io.BytesIO(tar.extractfile(name).read())) as layer:
                # The mode of a whiteout depends on how its layer was made, here and there.
                layers.append([(m.name, m.type, "" if "/.wh." in m.name else oct(m.mode & 0o7777), m.size, m.linkname) for m in layer])
    return config, layers


class Squash(StoreCase):
    def result(self, engine, name):
        engine("import", rootfs.busybox(self.path("base.tar")), sample.BASE)
        folder = self.context({"Dockerfile": DOCKERFILE, "f": "f\n"})
        said = engine("build", "--network", "none", "--squash", "-t", "s:1", folder)
        engine("save", "-o", self.path(name), "s:1")
        with open(self.path(name), "rb") as file:
            config, layers = documents(file.read())
        history = [{key: re.sub("[0-9a-f]{64}", "ID", value) if isinstance(value, str) else value
                    for key, value in entry.items() if key != "created"} for entry in config["history"]]
        copy = next(entry for entry in history if "COPY" in entry.get("created_by", ""))
        self.assertIn("ID", copy["created_by"])
        return {"history": history, "layers": layers[-1], "count": len(layers), "parent": "parent" in config,
                "config": {key: value for key, value in config["config"].items() if key != "Image"},
                "said": re.sub("[0-9a-f]{12}", "ID", said).splitlines()}

    def test_same_image(self):
        ours = self.result(self.strata(), "ours.tar")
        daemon = Dockerd(self.path("docker"), experimental=True)
        self.addCleanup(daemon.__exit__)
        theirs = self.result(daemon.start(), "theirs.tar")
        self.assertEqual(ours, theirs)
        self.assert_store_sound()


if __name__ == "__main__":
    unittest.main()
