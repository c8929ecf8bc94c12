"""What a real dockerd answered before: tests/data/dockerd/SUITE.json, question -> SHA-256 of the answer.

Most of the time of the differential tests is dockerd's, and it always says the same. So Strata is asked first. If its answer is the
known one, dockerd is not asked again; if it is another one, or none is known, or with STRATA_LIVE=1 (as .ci/run does), the real one is
asked and the difference is shown in full. A line of such a file can save time; it cannot turn a live difference into a success.

STRATA_RECORD=1 asks for everything and writes the files. Questions that no test asks any more go away by that.
"""
import atexit
import hashlib
import json
import os

from tests.support.engine import REPOSITORY

RECORD = bool(os.environ.get("STRATA_RECORD"))
LIVE = RECORD or bool(os.environ.get("STRATA_LIVE"))


def digest(value):
    def text(other):  # a module says where it lies, and a checkout may lie anywhere
        return getattr(other, "__name__", str(other))
    return hashlib.sha256(json.dumps(value, sort_keys=True, default=text).encode()).hexdigest()


class Known:
    """The known answers for one suite of tests. A question and an answer are anything that JSON can say; bytes count as their repr."""

    def __init__(self, suite):
        self.path = os.path.join(REPOSITORY, "tests/data/dockerd", suite + ".json")
        self.answers, self.new = {}, {}
        if not LIVE and os.path.exists(self.path):
            with open(self.path) as file:
                self.answers = json.load(file)
        if RECORD:
            atexit.register(self._write)

    def agrees(self, question, answer):
        """Whether dockerd is known to give this answer."""
        return self.answers.get(digest(question)) == digest(answer)

    def note(self, question, answer):
        """dockerd has just given it."""
        self.new[digest(question)] = digest(answer)

    def _write(self):
        os.makedirs(os.path.dirname(self.path), exist_ok=True)
        with open(self.path, "w") as file:
            json.dump(self.new, file, indent=0, sort_keys=True)
            file.write("\n")
