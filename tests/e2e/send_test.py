"""send: images go to another store, over what stands in for ssh. Only what is missing travels; what comes is not believed."""
import os
import signal
import struct
import subprocess
import unittest

from tests.support.case import IN_MEMORY, PATIENCE
from tests.support.registry_case import RegistryCase

# As sshd runs it: the words after the host are one text for the shell there. What goes by is kept, and is in its file before it goes on
# (tee writes to its standard output first): who has the last of it finds the file whole.
SSH = """#!/bin/bash
echo "$@" >>{folder}/ssh.log
while [[ $1 == -* ]]; do shift 2; done
shift
exec sh -c "$*" < <(exec tee /dev/fd/3 3>&1 >{folder}/up) > >(exec tee /dev/fd/3 3>&1 >{folder}/down)
"""


class SendCase(RegistryCase):
    where = IN_MEMORY

    def setUp(self):
        super().setUp()
        with open(self.path("ssh"), "w") as file:
            file.write(SSH.format(folder=self.folder))
        os.chmod(self.path("ssh"), 0o755)
        self.engine, self.other = self.strata(), self.strata("other")
        inner = self.engine.environment
        self.engine.environment = lambda: inner() | {"STRATA_SSH": self.path("ssh")}
        self.image = self.build(self.engine, "app:1")
        self.program = ["--remote-program", " ".join(self.other.command())]

    def send(self, *images):
        return self.engine("send", *self.program, "bob@there", *images)

    def frames(self, file):
        """(kind, content) of each frame that went by."""
        with open(self.path(file), "rb") as stream:
            data = stream.read()
        while data:
            kind, size = struct.unpack(">cI", data[:5])
            yield kind.decode(), data[5:5 + size]
            data = data[5 + size:]


class Send(SendCase):
    def test_an_image_arrives_with_its_names(self):
        self.engine("tag", "app:1", "app:2")
        said = self.send("app").splitlines()
        self.assertEqual(said[0], "Sent: " + self.image)
        self.assertRegex(said[1], r"^Layers: 3, \S+ on the way$")
        self.assertEqual(sorted(self.other("images", "--no-trunc", "--format", "{{.Repository}}:{{.Tag}} {{.ID}}").split("\n")),
                         [f"app:1 {self.image}", f"app:2 {self.image}"])
        self.assert_store_sound("other", "--expect-clean")
        with open(self.path("ssh.log")) as log:
            self.assertEqual(log.read(), f"bob@there {self.program[1]} __receive\n")

    def test_only_what_is_missing_travels(self):
        self.send("app:1")
        self.assertIn("Layers: 0, 0B on the way", self.send("app:1"))
        context = self.context({"Dockerfile": "FROM app:1\nCOPY x /x\n", "x": "new"}, "next")
        new = self.engine("build", "-q", "-t", "app:next", context)
        self.assertIn("Layers: 1, ", self.send("app:next"))
        self.assertEqual(len([kind for kind, _ in self.frames("down") if kind == "N"]), 1)
        self.assertEqual(self.other("images", "-q", "--no-trunc", "app:next"), new)
        self.assertEqual(self.other("cat", "app:next", "/x"), "new")
        # By its ID it has no name there.
        self.other("rmi", "app:next")
        self.assertEqual(self.engine("send", "-q", *self.program, "there", new), new)
        self.assertIn(new, self.other("images", "-q", "--no-trunc", "--filter", "dangling=true"))

    def test_a_port(self):
        self.engine("send", *self.program, "ssh://bob@there:2222", "app:1")
        with open(self.path("ssh.log")) as log:
            self.assertTrue(log.read().startswith("-p 2222 bob@there "))

    def test_mistakes(self):
        for host in ("-oProxyCommand=x", "", "ssh://", "ssh://x:y", "a b"):
            done = self.engine.run("send", "--", host, "app:1")
            self.assertEqual((done.code, done.err), (1, f'invalid host "{host}": must be USER@HOST or ssh://USER@HOST:PORT\n'), done)
        done = self.engine.run("send", "there", "none:1")
        self.assertEqual((done.code, done.err), (1, "reference does not exist\n"), done)
        done = self.engine.run("send", "--remote-program", "exit 7;", "there", "app:1")
        self.assertEqual((done.code, done.err), (1, f"there: {self.path('ssh')} ended with status 7 before all was there\n"), done)
        done = self.engine.run("send", "--remote-program", "echo Welcome to this machine; exit;", "there", "app:1")
        self.assertEqual((done.code, done.err), (1, 'there: what comes is no frame of strata send: "Welco"\n'), done)

    def test_an_error_there_is_told_here(self):
        done = self.engine.run("send", "--remote-program", self.program[1] + " --root /dev/null/x", "there", "app:1")
        self.assertEqual(done.code, 1, done)
        self.assertRegex(done.err, r"^there: the other side: .*not a directory\n$")
        # The flags of __receive stand behind it.
        script = self.path("limited")
        with open(script, "w") as file:
            file.write(f'#!/bin/sh\nexec {self.program[1]} "$@" --max-layer-size 1k\n')
        os.chmod(script, 0o755)
        done = self.engine.run("send", "--remote-program", script, "there", "app:1")
        self.assertEqual(done.code, 1, done)
        self.assertIn("is larger than 1024 bytes", done.err)
        self.assertEqual(self.other("images", "-q"), "")

    def test_what_comes_is_not_believed(self):
        self.send("app:1")
        sent = list(self.frames("up"))
        self.other("rmi", "app:1")

        def receive(frames):
            data = b"".join(struct.pack(">cI", kind.encode(), len(content)) + content for kind, content in frames)
            done = subprocess.run([*self.other.command(), "__receive"], input=data, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            with open(self.path("down"), "wb") as file:
                file.write(done.stdout)
            return done.returncode, list(self.frames("down"))[-1]
        self.assertEqual(receive(sent)[1][0], "R")
        self.other("rmi", "app:1")
        layers = [i for i, (kind, _) in enumerate(sent) if kind == "E"]
        swapped = sent[:2] + sent[layers[0] + 1:layers[1] + 1] + sent[2:layers[0] + 1] + sent[layers[1] + 1:]
        for frames, error in [(swapped, b"invalid diffID: expected sha256:"),
                              (sent[:-1], b"unexpected EOF"),
                              (sent[:4] + sent[5:] if layers[0] > 4 else sent[:2] + [("D", b"no gzip")] + sent[3:], b""),
                              ([("I", b'{"config":"{}x","names":[]}'), ("O", b"")], b"an offer: "),
                              ([("I", sent[0][1].replace(b"docker.io/library/app:1", b"sha256:1")), ("O", b"")], b"an offer: "),
                              ([("O", b""), ("D", b"x")], None),
                              ([("E", b"")], b"something else came in place of an offer")]:
            code, (kind, text) = receive(frames)
            if error is None:
                self.assertEqual((code, kind), (0, "R"))
                continue
            self.assertEqual((code, kind), (1, "X"), (frames[:3], text))
            self.assertIn(error, text)
            self.assertEqual(self.other("images", "-q"), "")
        self.assert_store_sound("other", "--expect-clean")

    def test_ctrl_c_ends_both_sides(self):
        script = self.path("slow")
        with open(script, "w") as file:
            file.write("#!/bin/sh\ntouch %s\nexec cat >/dev/null\n" % self.path("started"))
        os.chmod(script, 0o755)
        process = self.engine.popen("send", "--remote-program", script, "there", "app:1", stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        self.wait_until(lambda: os.path.exists(self.path("started")), "the other side")
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=PATIENCE)
        self.assertEqual((process.returncode, err), (130, b"send cancelled\n"))


if __name__ == "__main__":
    unittest.main()
