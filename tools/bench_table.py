#!/usr/bin/env python3
"""Prints the engines' table: each case by SimGrid and by the fast engine in the same run, and its goal.

  tools/bench_table.py PROGRAM [--quick] [--markdown] [--rows REGEX]

PROGRAM is planewise_bench. Every row is a process of its own. A row that was stopped before its end
is compared by events a second, or where a step says how much of it was simulated, by its time over
that share. Peak memory is the heap of the engine with its input; of SimGrid, its process.
"""
import argparse
import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass


@dataclass
class Row:
    name: str             # of the benchmark, behind table/
    case: str
    seconds: float        # the goal: wall time
    megabytes: float = 0  # the goal: peak memory; 0 is none
    simgrid: bool = False
    slow: bool = False    # the fast engine takes over half a minute; --quick leaves the row out
    slow_simgrid: bool = False


ROWS = [
    Row("node_limited_spread", "node-limited, spread, ECMP, 28,672 flows", 0.04, simgrid=True),
    Row("node_limited_packed", "node-limited, packed, 28,672 flows", 0.04, simgrid=True),
    Row("direct_packed_1024", "63 peers, packed, 1,024 GPUs, 64,512 flows", 0.2, simgrid=True, slow_simgrid=True),
    Row("direct_spread", "63 peers, spread, 2,048 GPUs, 129,024 flows", 0.7, 40, simgrid=True, slow_simgrid=True),
    Row("v3_spread", "V3 step, every flow, spread, ECMP", 90, 500, simgrid=True, slow=True),
    Row("v3_packed", "V3 step, every flow, packed, ECMP", 40, 500, simgrid=True, slow=True),
    Row("v3_balanced", "V3 step, balanced, with symmetry", 1),
    Row("v3_balanced_16384_mpft", "V3 step, balanced, 16,384 GPUs, MPFT, with symmetry", 5, 1000),
    Row("v3_balanced_16384_ft3", "V3 step, balanced, 16,384 GPUs, FT3, with symmetry", 5, 1000),
    Row("all_to_all_2048_equal", "direct all-to-all, 2,048 ranks, equal sizes", 1, 300),
    Row("all_to_all_512", "direct all-to-all, 512 ranks, exact", 60, slow=True),
    Row("all_to_all_2048_bounded", "direct all-to-all, 2,048 ranks, bounded error", 300, slow=True),
    Row("layers_4", "4 layers of dispatch and combine, 2,048 GPUs, equal sizes", 0.05, 100),
]
GREATEST_ERROR = 1e-3  # asked of the bounded mode


def measure(program, name):
    """The benchmark's JSON entry, its time in seconds in it; or a text that says why there is none."""
    command = [program, f"--benchmark_filter=^table/{name}/", "--benchmark_format=json"]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        entry = json.loads(done.stdout)["benchmarks"][0]
    except (ValueError, KeyError, IndexError):
        last = done.stderr.strip().splitlines()[-1:] or ["no output"]
        return f"failed: {last[0]}"
    if entry.get("error_occurred"):
        return f"failed: {entry.get('error_message', '')}"
    entry["seconds"] = entry["real_time"] / {"ms": 1e3, "us": 1e6, "ns": 1e9, "s": 1}[entry["time_unit"]]
    return entry


def whole_time(entry):
    """Seconds that the whole row takes or would take; None if it was cut short and nothing tells."""
    if entry.get("complete"):
        return entry["seconds"]
    return entry["seconds"] / entry["share"] if entry.get("share") else None


def duration(seconds):
    if seconds < 1:
        return f"{seconds * 1e3:.3g} ms"
    return f"{seconds:.3g} s" if seconds < 600 else f"{seconds / 3600:.2g} h"


def result_text(entry):
    if isinstance(entry, str):
        return entry
    if entry.get("complete"):
        return duration(entry["seconds"])
    if entry.get("share"):
        return f"about {duration(whole_time(entry))} ({entry['share']:.1%} seen)"
    if "events_per_s" in entry:
        return f"{entry['events_per_s']:.3g} events/s"
    return f"over {duration(entry['seconds'])}"


def event_rate(entry):
    """Events a second; of a row that was cut short, after its first event."""
    if entry.get("complete") and entry.get("events"):
        return entry["events"] / entry["seconds"]
    return entry.get("events_per_s")


def ratio_text(simgrid, fast):
    if not isinstance(simgrid, dict) or not isinstance(fast, dict):
        return "-"
    ours, theirs = whole_time(fast), whole_time(simgrid)
    if ours and theirs:
        return f"{theirs / ours:,.0f}"
    ours, theirs = event_rate(fast), event_rate(simgrid)
    return f"{ours / theirs:,.0f}" if ours and theirs else "-"


def goal_text(row):
    memory = f", {row.megabytes:g} MB" if row.megabytes else ""
    return f"under {duration(row.seconds)}{memory}"


def verdict(row, fast):
    if isinstance(fast, str):
        return "-"
    if row.name.startswith("v3_") and not row.name.startswith("v3_balanced") and not fast["size_spread"]:
        return "no (sizes equal: they cannot be drawn)"
    if not fast.get("complete"):
        return "no"
    missed = []
    if fast["seconds"] >= row.seconds:
        missed.append("time")
    if row.megabytes and fast["peak_MB"] >= row.megabytes:
        missed.append("memory")
    if row.name.endswith("bounded") and not 0 < fast["bound"] <= GREATEST_ERROR:
        missed.append("bound")
    return "yes" if not missed else "no (" + ", ".join(missed) + ")"


def notes_of(row, fast):
    if isinstance(fast, str) or not row.name.startswith("all_to_all"):
        return []
    if "bounded_error" in fast:
        return [f"{row.case}: with a tolerance of {fast['tolerance']:g}, {duration(fast['bounded_s'])}; "
                f"greatest error {fast['bounded_error']:.2g} against the exact one, bound {fast['bounded_bound']:.2g}"]
    return [f"{row.case}: bound of the error {fast['bound']:.2g}"] if fast.get("bound") else []


def print_table(lines, markdown):
    if markdown:
        lines = [lines[0], ["---"] * len(lines[0])] + lines[1:]
        for line in lines:
            print("| " + " | ".join(line) + " |")
        return
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    for line in lines:
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip())


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("program")
    parser.add_argument("--quick", action="store_true", help="leave out what takes over half a minute")
    parser.add_argument("--markdown", action="store_true")
    parser.add_argument("--rows", default="", help="only rows whose name fits this regular expression")
    options = parser.parse_args()

    lines = [["case", "simgrid", "fast", "ratio", "peak memory", "goal", "met"]]
    notes = []
    load = os.getloadavg()[0]
    for row in ROWS:
        if not re.search(options.rows, row.name) or (options.quick and row.slow):
            continue
        print(f"bench: {row.case}", file=sys.stderr, flush=True)
        fast = measure(options.program, row.name + "/fast")
        simgrid = "-"
        if row.simgrid:
            left_out = options.quick and row.slow_simgrid
            simgrid = "left out" if left_out else measure(options.program, row.name + "/simgrid")
        memory = f"{fast['peak_MB']:.3g} MB" if isinstance(fast, dict) else "-"
        lines.append([row.case, result_text(simgrid), result_text(fast), ratio_text(simgrid, fast),
                      memory, goal_text(row), verdict(row, fast)])
        notes += notes_of(row, fast)
    print_table(lines, options.markdown)
    print()
    for note in notes:
        print(note)
    print(f"{os.cpu_count()} cores, load average {load:.2g} before and {os.getloadavg()[0]:.2g} after; read ratios, "
          "not times. Sizes are drawn within 20 % unless a case says equal or balanced.")


if __name__ == "__main__":
    main()
