"""Long work says on a terminal how far it is, in one line that is gone at the end; elsewhere it says nothing."""
import os
import pty
import subprocess
import time
import unittest

from tests.support import rootfs
from tests.support.case import PATIENCE, StoreCase
from tests.support.pipes import is_empty


class Progress(StoreCase):
    def import_slowly(self, errors, **environment):
        """An import whose tar comes in pieces, with a pause between them."""
        engine = self.strata()
        with open(rootfs.busybox(self.path("base.tar")), "rb") as tar:
            content = tar.read()
        process = subprocess.Popen([*engine.command(), "import", "-", "slow:1"], stdin=subprocess.PIPE,
                                   stdout=subprocess.DEVNULL, stderr=errors,
                                   env=engine.environment() | {"TERM": "xterm"} | environment)
        third = len(content) // 3
        for at in (0, third, 2 * third):
            process.stdin.write(content[at:] if at == 2 * third else content[at:at + third])
            self.pause(process)
        process.stdin.close()
        self.assertEqual(process.wait(PATIENCE), 0)

    def pause(self, process):
        """Longer than a line of progress stands, after it has read everything."""
        process.stdin.flush()
        self.wait_until(lambda: is_empty(process.stdin), "all of it to be read")
        time.sleep(0.3)

    def on_a_terminal(self, **environment):
        parent, child = pty.openpty()
        self.import_slowly(child, **environment)
        os.close(child)
        return self.said_to(parent)

    @staticmethod
    def said_to(parent):
        said = b""
        while True:
            try:
                piece = os.read(parent, 4096)
            except OSError:  # EIO: nobody has the other end any more
                piece = b""
            if not piece:
                break
            said += piece
        os.close(parent)
        return said.decode()

    def test_a_terminal_sees_a_line_that_goes_away(self):
        said = self.on_a_terminal()
        self.assertIn("importing: ", said)
        self.assertIn("MB", said)
        self.assertTrue(said.endswith("\r\x1b[K"), repr(said[-40:]))
        self.assertNotIn("\n", said)

    def test_no_color_is_respected(self):
        self.assertNotIn("\x1b[2m", self.on_a_terminal(NO_COLOR="1"))

    def test_load_from_a_pipe_says_what_it_has_read(self):
        engine = self.strata()
        engine("import", rootfs.busybox(self.path("base.tar")), "base:1")
        archive = subprocess.run([*engine.command(), "save", "base:1"], stdout=subprocess.PIPE, env=engine.environment(), check=True).stdout
        parent, child = pty.openpty()
        process = subprocess.Popen([*self.strata("other").command(), "load"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=child,
                                   env=engine.environment() | {"TERM": "xterm"})
        os.close(child)
        half = len(archive) // 2
        for piece in (archive[:half], archive[half:]):
            process.stdin.write(piece)
            self.pause(process)
        process.stdin.close()
        self.assertEqual(process.wait(PATIENCE), 0)
        self.assertRegex(self.said_to(parent), r"reading: \d.*MB")

    def test_a_file_gets_nothing(self):
        path = self.path("errors")
        with open(path, "wb") as errors:
            self.import_slowly(errors)
        self.assertEqual(os.path.getsize(path), 0)


if __name__ == "__main__":
    unittest.main()
