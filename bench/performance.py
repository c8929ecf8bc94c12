#!/usr/bin/env python3
"""Compares Strata with its peers and writes what came out into docs/performance.md.

    bench/performance.py --harness ../shared/bench                  everything: one to two hours, as root
    bench/performance.py --harness DIR --workloads W1,W2 --runs 2   some workloads
    bench/performance.py --results FILE.json [FILE.json ...]        runs of the harness that have ended; a workload is taken from the last
                                                                    that has it, the machine's limits from the first

The harness is one for all engines (dockerd, BuildKit, podman, buildah, umoci, Strata): it makes a disk of its own, lets the engines take
turns and checks the images that come out. This script adds what Strata wants to reach and whether it did. Between the two marks of
docs/performance.md everything is written anew; the rest of that file is written by hand.
"""
import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
DOCUMENT = ROOT / "docs/performance.md"
UNPACKING = ("dockerd", "buildkit", "podman", "buildah")
MEMORY_MIB = 64

# A target that is a time was set on a machine that starts a static program in this time. Elsewhere
# it is read as so many starts.
REFERENCE_SPAWN_MS = 0.46


class Results:
    """One run of the harness: medians of wall by workload and engine, and the machine's own limits."""

    def __init__(self, data):
        self.meta, self.checks, self.notes = data["meta"], data["checks"], data["notes"]
        samples = {}
        self.titles, self.memory = {}, {}
        for sample in data["samples"]:
            key = sample["workload"], sample["engine"]
            samples.setdefault(key, []).append(sample["wall"])
            self.titles.setdefault(sample["workload"], sample["title"])
            if sample["engine"] == "strata":
                self.memory[sample["workload"]] = max(self.memory.get(sample["workload"], 0), sample["rss_mib"])
        self.runs = {key: len(walls) for key, walls in samples.items()}
        self.walls = {key: statistics.median(walls) for key, walls in samples.items()}
        self.values = {(v["workload"], v["engine"]): v["value"] for v in data["values"]}
        limits = {}
        for limit in data["limits"]:
            limits.setdefault(limit["key"], []).append(limit["value"])
        self.limits = {key: statistics.median(values) for key, values in limits.items()}

    def strata(self, workload):
        return self.walls.get((workload, "strata"))

    def fastest(self, workload, engines):
        """(name, seconds) of the fastest of the engines, or None."""
        found = [(self.walls[workload, e], e) for e in engines if (workload, e) in self.walls]
        return min(found)[::-1] if found else None


def ahead(factor, *engines):
    """A target: so many times faster than the fastest of the engines."""
    def judge(results, workload):
        peer = results.fastest(workload, engines or UNPACKING)
        if not peer:
            return None
        reached = peer[1] / results.strata(workload)
        return f"{factor:g}x ahead of {peer[0]}", f"{reached:.1f}x", reached >= factor
    return judge


def within(factor, what, *limits, scale=1.0):
    """A target: at most so many times what the machine itself needs, the sum of those limits."""
    def judge(results, workload):
        if any(key not in results.limits for key in limits):
            return None
        reached = results.strata(workload) / (scale * sum(results.limits[key] for key in limits))
        return f"at most {factor:g}x {what}", f"{reached:.2f}x", reached <= factor
    return judge


def against(factor, other):
    """A target: at most so many times another workload of Strata's."""
    def judge(results, workload):
        if results.strata(other) is None:
            return None
        reached = results.strata(workload) / results.strata(other)
        return f"at most {factor:g}x {other}", f"{reached:.2f}x", reached <= factor
    return judge


def time(milliseconds):
    """A target: a time on the machine of reference; here as many starts of a static program."""
    def judge(results, workload):
        spawn = results.limits.get("spawn-harness")
        if not spawn:
            return None
        allowed, reached = milliseconds / REFERENCE_SPAWN_MS, results.strata(workload) * 1000 / spawn
        return f"{milliseconds:g} ms = {allowed:.1f} starts of a static program", f"{reached:.1f} starts", reached <= allowed
    return judge


COPY_OF_APP = ("`cp -a` and its sync", "cp0-app", "cp0-app-sync")
COPY_OF_NODE = ("`cp -a` and its sync", "cp0-node", "cp0-node-sync")
# `tar -x` is measured on the base image alone, 216 of the 403 MB that W5 loads.
UNTAR = ("`tar -x` of as many bytes and its sync", "untar-base", "untar-base-sync")
TARGETS = {
    "W1": [ahead(5), within(1.3, *COPY_OF_APP), ahead(1, "umoci")],
    "W2": [ahead(10), time(15)],
    "W2b": [ahead(10)],
    "W3": [ahead(6), within(1, *COPY_OF_NODE), ahead(1, "umoci")],
    "W3b": [ahead(7), within(1.2, "`tar` into sha256", "tarsha-big")],
    "W4": [ahead(4)],
    "W5": [ahead(4), within(1.2, *UNTAR, scale=403 / 216)],
    "W6": [ahead(4)],
    "W7": [ahead(4), against(1.15, "W5")],
    "W8": [ahead(4, "podman"), ahead(10, "dockerd")],
    "W9.inspect": [time(4)],
    "W9.history": [time(4)],
    "W9.images": [time(4)],
    "W11.load.1000": [ahead(10)],
    "W11.1000.inspect": [time(4), against(1.1, "W9.inspect")],
    "W11.1000.images": [time(20)],
    "W11.1000.build": [against(1.1, "W2")],
    "W10": [ahead(5), time(20)],
    "W10b": [ahead(10), time(6)],
    "W12": [ahead(2)],
    "W12d": [ahead(3)],
    "W14": [ahead(1.3)],
}


def seconds(value):
    return f"{value * 1000:.1f} ms" if value < 0.0995 else f"{value:.2f} s"


def row(*cells):
    return "| " + " | ".join(cells) + " |\n"


def workload_table(results):
    engines = [e for e in ("strata", *UNPACKING, "umoci") if e in results.meta["engines"]]
    text = row("", "workload", *engines) + "|---" * (len(engines) + 2) + "|\n"
    for workload, title in results.titles.items():
        walls = [results.walls.get((workload, engine)) for engine in engines]
        text += row(workload, title, *("-" if wall is None else seconds(wall) for wall in walls))
    return text


def target_table(results):
    """Every target with what was reached; a workload that was not measured is said, not left out."""
    text = row("", "target", "reached", "") + "|---|---|---|---|\n"
    for workload, judges in TARGETS.items():
        if results.strata(workload) is None:
            text += row(workload, "-", "not measured", "")
            continue
        for judgement in filter(None, (judge(results, workload) for judge in judges)):
            text += row(workload, judgement[0], judgement[1], "yes" if judgement[2] else "**no**")
    space = [results.values.get(("W13.disk", engine)) for engine in ("strata", "dockerd")]
    if all(space):
        text += row("W13", "a quarter of dockerd's space", f"{space[0]:.0f} of {space[1]:.0f} MiB", "yes" if space[0] <= space[1] / 4 else "**no**")
    if results.memory:
        workload, peak = max(results.memory.items(), key=lambda item: item[1])
        text += row("all", f"peak memory {MEMORY_MIB} MiB", f"{peak:.0f} MiB ({workload})", "yes" if peak <= MEMORY_MIB else "**no**")
    return text


def limit_list(results):
    shown = {"sha256": "SHA-256, MB/s", "cp0-app": "`cp -a` of W1's files, s", "cp0-node": "`cp -a` of W3's files, s", "cp0-node-sync": "its sync, s",
             "tarsha-node": "`tar` of them into sha256, s", "tarsha-big": "`tar` of W3b's files into sha256, s", "create8k": "files of 8 KiB created a second",
             "untar-base": "`tar -x` of 216 MB, s", "spawn-harness": "start of a static program, ms", "crun": "`crun run` of true, ms", "syncfs": "syncfs of 400 MiB, s"}
    return "; ".join(f"{title} {results.limits[key]:.4g}" for key, title in shown.items() if key in results.limits)


def report(results, command):
    meta = results.meta
    disk = {"ext2/ext3": "ext4"}.get(meta["fs"], meta["fs"])  # stat(1) has one name for the three
    text = (f"{meta['date'][:10]}, {meta['cpus']} CPUs ({meta['cpu']}), Linux {meta['kernel']}, {disk} on a disk of the harness's own; "
            f"scale `{meta['scale']}`, {meta['runs']} runs in turns, medians of wall time. Load before {meta['load_start'][0]:.1f}.\n\n"
            f"    {command}\n\n")
    text += "".join(f"- {name}: {version}\n" for name, version in meta["versions"].items())
    text += f"\nThe machine itself, in the same run: {limit_list(results)}.\n\n"
    text += "### What was reached\n\n" + target_table(results)
    text += "\n### Times\n\n" + workload_table(results)
    failed = [check for check in results.checks if not check["ok"]]
    text += f"\nImages checked against their context: {len(results.checks)}, wrong: {len(failed)}.\n"
    text += "".join(f"- {check['workload']} {check['engine']}: {check['detail']}\n" for check in failed)
    text += "".join(f"- note: {note}\n" for note in results.notes)
    return text


def write_between_marks(name, text):
    """In place of what stands between the two marks of that name in the document."""
    begin, end = f"<!-- {name}: begin -->\n", f"<!-- {name}: end -->\n"
    before, rest = DOCUMENT.read_text().split(begin, 1)
    DOCUMENT.write_text(before + begin + text + end + rest.split(end, 1)[1])


def merged(runs):
    """One set of results; every workload stays whole, as it is in one of the runs."""
    data = runs[0]
    for run in runs[1:]:
        measured = {sample["workload"] for sample in run["samples"]}
        for key in ("samples", "values", "checks"):
            data[key] = [row for row in data[key] if row["workload"].split(".disk")[0] not in measured] + run[key]
        data["notes"] += run["notes"]
        data["meta"]["engines"] += [engine for engine in run["meta"]["engines"] if engine not in data["meta"]["engines"]]
    return data


def run_harness(args):
    out = pathlib.Path(args.workdir) / "performance"
    out.parent.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-B", str(args.harness / "bench.py"), "--engines", args.engines, "--runs", str(args.runs), "--workdir", args.workdir, "--out", str(out)]
    if args.workloads:
        command += ["--workloads", args.workloads]
    subprocess.run(command, check=True, env={**os.environ, "STRATA": str(args.strata)})
    return out.with_suffix(".json")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--harness", type=pathlib.Path, help="the folder of bench.py")
    source.add_argument("--results", type=pathlib.Path, nargs="+", help="the JSON of runs that have ended")
    parser.add_argument("--strata", type=pathlib.Path, default=ROOT / "build/release/strata", help="default: %(default)s")
    parser.add_argument("--engines", default="strata,dockerd,buildkit,podman,buildah,umoci", help="default: %(default)s")
    parser.add_argument("--workloads", help="default: all, and the machine's limits")
    parser.add_argument("--runs", type=int, default=5, help="default: %(default)s")
    parser.add_argument("--workdir", default="/var/tmp/strata-bench", help="for disk and results; default: %(default)s")
    parser.add_argument("--print", action="store_true", help="to stdout, not into docs/performance.md")
    args = parser.parse_args()
    paths = args.results or [run_harness(args)]
    results = Results(merged([json.loads(path.read_text()) for path in paths]))
    text = report(results, f"bench/performance.py --harness ../shared/bench --runs {results.meta['runs']} --engines {','.join(results.meta['engines'])}")
    if args.print:
        print(text, end="")
    else:
        write_between_marks("measured", text)


if __name__ == "__main__":
    main()
