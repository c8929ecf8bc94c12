#!/usr/bin/env python3
"""Where the time of Strata's workloads goes: page faults, system calls, and the functions that take the CPU.

    bench/profile.py --inputs DISK/inputs/full --scratch DISK/profile          Markdown to stdout, as root

`--inputs` are those that the harness of bench/performance.py made on its disk, `--scratch` a new folder of the file system that is to be
looked at. Every workload is run three times on the same state: under `perf stat`, under `strace -f -c` and under `perf record`.
"""
import argparse
import collections
import dataclasses
import pathlib
import re
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
SEED = 'FROM bench/base\nCOPY . /code\nWORKDIR /code\nCMD ["python3", "app.py"]\n'
MOST_CALLS, MOST_FUNCTIONS = 6, 7


@dataclasses.dataclass
class Workload:
    name: str
    words: list          # after `strata --root STORE`
    prepare: tuple = ()  # commands before each run; those that fail do not matter


class Profiler:
    def __init__(self, strata, inputs, scratch):
        self.strata, self.inputs, self.scratch = strata, inputs, scratch
        self.store = scratch / "store"

    def command(self, words):
        return [str(self.strata), "--root", str(self.store), *map(str, words)]

    def quiet(self, words, check=False):
        subprocess.run(self.command(words), check=check, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def workloads(self):
        def file(name, text):
            path = self.scratch / name
            path.write_text(text)
            return path

        seed = file("Dockerfile.seed", SEED)
        steps = file("Dockerfile.steps", "FROM bench/base\n" + "".join(f"RUN touch /step{i}\n" for i in range(20)))
        empty = self.scratch / "empty"
        empty.mkdir()
        clear = (("rmi", "bench/app"), ("builder", "prune", "-af"))

        def build(dockerfile, context, *more):
            return ["build", "-q", "--network", "none", *more, "-t", "bench/app", "-f", dockerfile, context]

        yield Workload("W1 build of 1,500 files", build(seed, self.inputs / "app", "--no-cache"), clear)
        yield Workload("W2 the same, cached", build(seed, self.inputs / "app"))
        yield Workload("W3 COPY of 50,000 files", build(seed, self.inputs / "node", "--no-cache"), clear)
        yield Workload("W3 the same, cached", build(seed, self.inputs / "node"))
        yield Workload("W3b COPY of 1 GiB", build(seed, self.inputs / "big", "--no-cache"), clear)
        yield Workload("W4 twenty RUN steps", build(steps, empty, "--no-cache"), clear)
        yield Workload("W5 load of 403 MB", ["load", "-q", "-i", self.inputs / "app5.tar"], (("rmi", "-f", "bench/app5"),))
        yield Workload("W6 save of the same", ["save", "-o", self.scratch / "saved.tar", "bench/app5"])
        yield Workload("W9 inspect", ["inspect", "bench/base"])
        yield Workload("W9 images", ["images"])
        yield Workload("W10 run --rm true", ["run", "--rm", "--network", "none", "bench/base", "true"])
        yield Workload("W10b create", ["create", "--name", "bench-c", "bench/base", "true"], (("rm", "bench-c"),))

    def run(self, workload, *before):
        for words in workload.prepare:
            self.quiet(words)
        subprocess.run(["sync", "-f", str(self.scratch)], check=True)
        return subprocess.run([*map(str, before), *self.command(workload.words)], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=True)

    def counts(self, workload):
        """(page faults, context switches, seconds of user and system)"""
        events = ["page-faults", "context-switches", "user_time", "system_time"]
        out = self.scratch / "stat"
        self.run(workload, "perf", "stat", "-x", ";", "-e", ",".join(events), "-o", out)
        fields = [line.split(";")[0] for line in out.read_text().splitlines() if ";" in line and not line.startswith("#")]
        # Nothing counted: no tick of the clock fell into the user's, or the system's, part of a short run.
        values = [0.0 if field == "<not counted>" else float(field) for field in fields]
        return int(values[0]), int(values[1]), values[2] / 1e9, values[3] / 1e9

    def calls(self, workload):
        """The most frequent system calls: {name: times}, and how many in all."""
        out = self.scratch / "strace"
        self.run(workload, "strace", "-f", "-c", "-o", out)
        times = {}
        for line in out.read_text().splitlines():
            found = re.match(r"\s*[\d.]+\s+[\d.]+\s+\d+\s+(\d+)\s+(?:\d+\s+)?(\w+)$", line)
            if found and found[2] != "total":
                times[found[2]] = int(found[1])
        return times

    def functions(self, workload):
        """Share of the CPU by function, the largest first."""
        data = self.scratch / "perf.data"
        self.run(workload, "perf", "record", "-q", "-F", "5000", "-o", data)
        text = subprocess.run(["perf", "report", "-q", "-i", data, "--no-children", "--sort", "dso,symbol", "-w", "40,80"], check=True, capture_output=True, text=True).stdout
        shares = []
        for line in text.splitlines():
            found = re.match(r"\s*([\d.]+)%\s+(\S+)\s+\[([.k])\] (.+?)\s*(?:-\s+-)?\s*$", line)
            if found:
                shares.append((found[4].split("(")[0], "kernel" if found[3] == "k" else found[2].split(".so")[0], float(found[1])))
        return shares

    def report(self):
        self.quiet(["load", "-q", "-i", self.inputs / "base.tar"], check=True)
        print("| | user + sys | page faults | switches | system calls | CPU |\n|---|---|---|---|---|---|")
        for workload in self.workloads():
            faults, switches, user, system = self.counts(workload)
            calls = self.calls(workload)
            most = ", ".join(f"{name} {n:,}" for name, n in collections.Counter(calls).most_common(MOST_CALLS))
            functions = self.functions(workload)
            kernel = sum(share for _, where, share in functions if where == "kernel")
            top = ", ".join(f"`{name}` {share:.0f} %" for name, _, share in functions[:MOST_FUNCTIONS] if share >= 1)
            print(f"| {workload.name} | {user:.3f} + {system:.3f} s | {faults:,} | {switches:,} | {sum(calls.values()):,}: {most} | kernel {kernel:.0f} %; {top} |", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--strata", type=pathlib.Path, default=ROOT / "build/release/strata", help="default: %(default)s")
    parser.add_argument("--inputs", type=pathlib.Path, required=True)
    parser.add_argument("--scratch", type=pathlib.Path, required=True, help="must not exist; removed at the end")
    args = parser.parse_args()
    missing = [tool for tool in ("perf", "strace") if shutil.which(tool) is None]
    if missing:
        sys.exit(f"profile.py: needs {' and '.join(missing)}")
    args.scratch.mkdir(parents=True)
    try:
        Profiler(args.strata, args.inputs, args.scratch).report()
    finally:
        shutil.rmtree(args.scratch)


if __name__ == "__main__":
    main()
