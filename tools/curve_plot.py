#!/usr/bin/env python3
"""Draws throughput against latency from the CSV that `planewise run` writes of inference.

  tools/curve_plot.py CURVE.csv... --output curve.svg      (or .png)

A line a file, named for its workload and fabric; the operating point is filled. Needs matplotlib.
"""
import argparse
import csv
import os

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402

GREY = "#808890"  # legible on white and on black, as are the colours
COLOURS = ["#3a86d9", "#d9663a", "#35a06a", "#a05fd0", "#c9a227", "#d0437a"]


def read(path):
    with open(path, encoding="utf-8", newline="") as file:
        points = [row for row in csv.DictReader(file) if row.get("sequences_per_replica")]
    if not points:
        raise SystemExit(f"curve_plot: {path} has no points of decode; write it with planewise run --format csv")
    return points


def draw(curves, output):
    plt.rcParams.update({"svg.hashsalt": "planewise", "svg.fonttype": "none", "font.size": 10,
                         "font.family": "sans-serif", "text.color": GREY, "axes.labelcolor": GREY,
                         "axes.edgecolor": GREY, "axes.facecolor": "none", "xtick.color": GREY, "ytick.color": GREY})
    figure, axis = plt.subplots(figsize=(8, 4.6))
    for points, colour in zip(curves, COLOURS * len(curves)):
        tpot = [float(p["tpot_s"]) * 1e3 for p in points]
        rate = [float(p["tokens_per_s_per_gpu"]) for p in points]
        name = f'{points[0]["workload"]}, {points[0]["fabric"]}'
        axis.plot(tpot, rate, color=colour, linewidth=1.6, label=name)
        for p, x, y in zip(points, tpot, rate):
            chosen = p["is_operating_point"] == "true"
            axis.plot([x], [y], marker="o", markersize=7 if chosen else 4, color=colour,
                      markerfacecolor=colour if chosen else "none")
        axis.annotate(points[0]["sequences_per_replica"], (tpot[0], rate[0]), textcoords="offset points",
                      xytext=(0, 7), ha="center", fontsize=8)
        axis.annotate(points[-1]["sequences_per_replica"], (tpot[-1], rate[-1]), textcoords="offset points",
                      xytext=(0, 7), ha="center", fontsize=8)
    axis.set_xlabel("TPOT (ms); numbers are sequences a replica")
    axis.set_ylabel("output tokens a second and GPU")
    axis.set_xlim(left=0)
    axis.set_ylim(bottom=0)
    axis.grid(color=GREY, alpha=0.25, linewidth=0.6)
    for side in ("top", "right"):
        axis.spines[side].set_visible(False)
    axis.legend(frameon=False, fontsize=8, loc="lower center", bbox_to_anchor=(0.5, 1.0), ncol=2, labelcolor=GREY)
    figure.tight_layout()
    whole = output + ".part"
    metadata = {"Date": None} if output.endswith(".svg") else None
    figure.savefig(whole, format=os.path.splitext(output)[1][1:], transparent=True, metadata=metadata)
    os.replace(whole, output)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("curves", nargs="+", metavar="CURVE.csv")
    parser.add_argument("--output", required=True, metavar="FILE.svg")
    arguments = parser.parse_args()
    if os.path.splitext(arguments.output)[1] not in (".svg", ".png"):
        parser.error("--output ends in .svg or .png")
    draw([read(path) for path in arguments.curves], arguments.output)


if __name__ == "__main__":
    main()
