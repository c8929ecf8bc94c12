#!/usr/bin/env python3
"""Runs the benchmarks of small parts (Google Benchmark) and writes their table into docs/performance.md.

    ninja -C build/release bench/all && bench/small.py build/release/bench         about a minute; nothing else should run
    bench/small.py build/release/bench --only tar_bench --print
"""
import argparse
import json
import pathlib
import platform
import subprocess
import sys

sys.dont_write_bytecode = True
from performance import write_between_marks  # noqa: E402

PER_SECOND = ((1e9, "GB/s"), (1e6, "MB/s"), (1e3, "kB/s"))


def measured(program):
    """The rows of one program, those of all repetitions put together."""
    done = subprocess.run([program, "--benchmark_format=json", "--benchmark_repetitions=3", "--benchmark_min_time=0.1", "--benchmark_report_aggregates_only=true"], check=True,
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    return [row for row in json.loads(done.stdout)["benchmarks"] if row["aggregate_name"] == "median"]


def rate(row):
    if "bytes_per_second" in row:
        factor, unit = next((pair for pair in PER_SECOND if row["bytes_per_second"] >= pair[0]), (1, "B/s"))
        return f"{row['bytes_per_second'] / factor:.3g} {unit}"
    return f"{row['items_per_second']:,.0f} items/s" if "items_per_second" in row else ""


def table(programs):
    text = "| | time | CPU | |\n|---|---|---|---|\n"
    for program in programs:
        for row in measured(program):
            name = row["run_name"].removeprefix("BM_").removesuffix("/real_time").removesuffix("/iterations:1")
            text += f"| {program.name.removesuffix('_bench')} `{name}` | {row['real_time']:.4g} {row['time_unit']} | {row['cpu_time']:.4g} {row['time_unit']} | {rate(row)} |\n"
    return text


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path, help="of the programs")
    parser.add_argument("--only", help="one program")
    parser.add_argument("--print", action="store_true", help="to stdout, not into docs/performance.md")
    args = parser.parse_args()
    text = table(sorted(args.folder.glob(args.only or "*_bench")))
    if args.print:
        print(text, end="")
    else:
        write_between_marks("small", f"Medians of three, Linux {platform.release()}.\n\n{text}")


if __name__ == "__main__":
    main()
