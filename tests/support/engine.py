"""What the strata binary and the docker command line have in common: a command with docker's arguments."""
import dataclasses
import os
import subprocess

REPOSITORY = os.path.realpath(os.path.join(os.path.dirname(__file__), "../.."))


@dataclasses.dataclass(frozen=True)
class Result:
    """What a command left: exit status, and both outputs as text (undecodable bytes as surrogates)."""
    command: tuple
    code: int
    out: str
    err: str

    def __str__(self):
        return f"{' '.join(self.command)}\nexit status {self.code}\n--- stdout\n{self.out}\n--- stderr\n{self.err}"


class Engine:
    """Runs commands on one store. `engine("images", "-q")` gives its output, or fails the test."""

    def __init__(self, root):
        self.root = root

    def command(self):
        """The words before docker's arguments."""
        raise NotImplementedError

    def environment(self):
        return dict(os.environ)

    def popen(self, *arguments, **options):
        """Starts a command that the caller waits for."""
        return subprocess.Popen([*self.command(), *arguments], env=self.environment(), **options)

    def run(self, *arguments, stdin=b"", cwd=None, timeout=300):
        """Runs a command to its end, whatever that is. The environment knows no terminal and no colours."""
        words = [*self.command(), *arguments]
        done = subprocess.run(words, input=stdin, cwd=cwd, env=self.environment(), timeout=timeout,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        return Result(tuple(words), done.returncode, done.stdout.decode(errors="surrogateescape"),
                      done.stderr.decode(errors="surrogateescape"))

    def __call__(self, *arguments, **options):
        """The output without its last line end; AssertionError with everything it said if it fails."""
        result = self.run(*arguments, **options)
        if result.code != 0:
            raise AssertionError(f"command failed: {result}")
        return result.out.removesuffix("\n")


class Strata(Engine):
    """The binary under test, $STRATA or build/release/strata."""

    def command(self):
        return [os.environ.get("STRATA") or os.path.join(REPOSITORY, "build/release/strata"), "--root", self.root]

    def environment(self):
        return {key: value for key, value in os.environ.items() if key not in ("STRATA_ROOT", "STRATA")} | {
            "TZ": "UTC", "TERM": "dumb"}
