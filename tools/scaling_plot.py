#!/usr/bin/env python3
"""Runs the scaling/ benchmarks and writes scaling.svg and scaling.md.

  tools/scaling_plot.py PROGRAM [--most GPUS] [--docs FOLDER] [--png FILE]

PROGRAM is planewise_bench. Needs matplotlib.
"""
import argparse
import json
import os
import subprocess
import sys

import matplotlib

matplotlib.use("svg")
import matplotlib.pyplot as plt  # noqa: E402

GREY = "#808890"  # legible on white and on black, as are the three colours
SERIES = {
    "simgrid": ("simgrid, every flow", "#d9663a", "s"),
    "fast": ("fast, every flow", "#3a86d9", "o"),
    "symmetry": ("fast, balanced, with symmetry", "#35a06a", "^"),
}
PANELS = [("seconds", "wall time (s)"), ("events_per_s", "events a second"), ("peak_MB", "peak memory (MB)")]


def measure(program, most):
    """{series: [entry by size]}; a process a row, so that memory is its own."""
    names = subprocess.run([program, "--benchmark_list_tests", "--benchmark_filter=^scaling/"], check=True,
                           stdout=subprocess.PIPE, text=True).stdout.split()
    entries = {series: [] for series in SERIES}
    for name in names:
        _, series, gpus = name.split("/")[:3]
        if int(gpus) > most:
            continue
        print(f"scaling: {series}, {gpus} GPUs", file=sys.stderr, flush=True)
        out = subprocess.run([program, f"--benchmark_filter=^{name}$", "--benchmark_format=json"], check=True,
                             stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout
        entry = json.loads(out)["benchmarks"][0]
        entry["gpus"] = int(gpus)
        entry["seconds"] = entry["real_time"] / 1e3  # All are in ms.
        if "events_per_s" in entry:  # Those of the last of several runs; the time is their mean.
            entry["events_per_s"] = entry["events"] / entry["seconds"]
        if entry["complete"]:
            entries[series].append(entry)
    return entries


def draw(entries):
    plt.rcParams.update({"svg.hashsalt": "planewise", "svg.fonttype": "none", "font.size": 10,
                         "font.family": "sans-serif", "text.color": GREY, "axes.labelcolor": GREY,
                         "axes.edgecolor": GREY, "axes.facecolor": "none", "xtick.color": GREY, "ytick.color": GREY})
    figure, axes = plt.subplots(1, len(PANELS), figsize=(11, 3.9))
    for axis, (key, label) in zip(axes, PANELS):
        for series, (title, colour, marker) in SERIES.items():
            points = [(e["gpus"], e[key]) for e in entries[series] if key in e]
            if points:
                axis.plot(*zip(*points), color=colour, marker=marker, markersize=4, linewidth=1.6, label=title)
        axis.set_xscale("log", base=2)
        axis.set_yscale("log")
        axis.set_xlabel("GPUs")
        axis.set_title(label, fontsize=10)
        sizes = sorted({e["gpus"] for of_series in entries.values() for e in of_series})
        ticks = sizes[::2] if len(sizes) > 5 else sizes
        axis.set_xticks(ticks, [f"{gpus:,}" for gpus in ticks], rotation=45, ha="right")
        axis.grid(True, which="major", color=GREY, alpha=0.25, linewidth=0.6)
        for side in ("top", "right"):
            axis.spines[side].set_visible(False)
    handles, titles = axes[0].get_legend_handles_labels()
    figure.legend(handles, titles, loc="upper center", ncol=len(SERIES), frameon=False, labelcolor=GREY)
    figure.tight_layout(rect=(0, 0, 1, 0.92))
    return figure


def number(value):
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def table(entries):
    sizes = sorted({e["gpus"] for of_series in entries.values() for e in of_series})
    lines = ["| GPUs | flows | simgrid (s) | fast (s) | ratio | fast events/s | fast (MB) | with symmetry (s) | classes | (MB) |",
             "|" + "---:|" * 10]
    for gpus in sizes:
        at = {series: next((e for e in of_series if e["gpus"] == gpus), None) for series, of_series in entries.items()}
        simgrid, fast, symmetry = at["simgrid"], at["fast"], at["symmetry"]
        flows = next(e["flows"] for e in (fast, symmetry, simgrid) if e)
        cells = [f"{gpus:,}", f"{flows:,.0f}", number(simgrid["seconds"]) if simgrid else "",
                 number(fast["seconds"]) if fast else "",
                 number(simgrid["seconds"] / fast["seconds"]) if simgrid and fast else "",
                 number(fast["events_per_s"]) if fast else "", number(fast["peak_MB"]) if fast else "",
                 number(symmetry["seconds"]) if symmetry else "",
                 number(symmetry["flow_classes"]) if symmetry else "",
                 number(symmetry["peak_MB"]) if symmetry else ""]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


TEXT = """# Cost against size

![Wall time, events a second and peak memory against the number of GPUs](scaling.svg)

One dispatch with node-limited routing of expert-parallel groups of 64 GPUs, all groups at once, 14 flows a GPU:
14.68 MB to the GPU of the same rail in each of seven nodes, 25.7 MB to each of seven GPUs in the node. The fabric
is MPFT with eight planes of two layers, the eight nodes of a group stand under eight leaves (as far as there are
so many). `fast` and `simgrid`: ECMP, sizes drawn within 20 %, so that every flow ends by itself. With symmetry:
spray, equal sizes, the whole of `simulate()` with routes and reduction.

{table}

Written by `tools/scaling.sh`, which runs the benchmarks `scaling/...` of `tests/bench/engine_bench.cc`: one core of
{cores}, load average {before:.2g} before and {after:.2g} after. Read ratios and slopes, not times. Memory is the heap of
the engine with its input; a row that is missing was not run, or not to its end.
"""


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("program")
    parser.add_argument("--most", type=int, default=65536, help="GPUs of the largest size")
    parser.add_argument("--docs", default="docs")
    parser.add_argument("--png", help="also a picture on white and one on black, to look at")
    options = parser.parse_args()
    before = os.getloadavg()[0]
    entries = measure(options.program, options.most)
    figure = draw(entries)
    figure.savefig(os.path.join(options.docs, "scaling.svg"), transparent=True, metadata={"Date": None})
    if options.png:
        figure.savefig(options.png, dpi=110, facecolor="white")
        figure.savefig(options.png.replace(".png", "_dark.png"), dpi=110, facecolor="#0d1117")
    with open(os.path.join(options.docs, "scaling.md"), "w", encoding="utf-8") as out:
        out.write(TEXT.format(table=table(entries), cores=os.cpu_count(), before=before, after=os.getloadavg()[0]))


if __name__ == "__main__":
    main()
