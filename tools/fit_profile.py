#!/usr/bin/env python3
"""Fits the model of a profile's products to their points: time = overhead + FLOPs / flop_rate + bytes / memory_rate.

usage: fit_profile.py PROFILE [ID...]

PROFILE is a file of calibration/profiles; ID is an operator of form gemm, or several joined by '+' whose points are
fitted as one (gemm.fp8+grouped_gemm.fp8); without any, each one that has points is fitted. The three numbers are not
negative and minimise the sum of squared relative errors of the time. Printed: the model, its errors, and the errors at
a point that was left out of the fit. Bytes are those of docs/equations.md: 'fp8' in the id is e4m3 with its scales in
and BF16 out, anything else BF16.
"""
import itertools
import re
import sys

POINT = re.compile(r"- \{groups: (\d+), m: (\d+), n: (\d+), k: (\d+), rate: ([\d.]+) TFLOPS\}")


def read_points(path):
    """Points by operator id, each as (FLOPs, bytes, seconds, text); the id of a curve that was taken beside
    communication ends in ':communication'."""
    points, operator = {}, None
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            if found := re.match(r"\s*- id: (\S+)", line):
                operator = found[1]
            elif re.match(r"\s*beside: communication", line):
                operator += ":communication"
            elif found := POINT.search(line):
                groups, m, n, k = (int(word) for word in found.groups()[:4])
                flop = 2 * groups * m * n * k
                fp8 = 1 + 4 / 128 if "fp8" in operator else 2
                weight = 1 if "fp8" in operator else 2
                moved = groups * (fp8 * m * k + weight * n * k + 2 * m * n)
                points.setdefault(operator, []).append((flop, moved, flop / (float(found[5]) * 1e12), line.strip()))
    return points


def solve(matrix, right):
    """The solution of a small square system, or None if it is singular."""
    rows = [list(row) + [value] for row, value in zip(matrix, right)]
    size = len(rows)
    for i in range(size):
        pivot = max(range(i, size), key=lambda r: abs(rows[r][i]))
        if abs(rows[pivot][i]) < 1e-300:
            return None
        rows[i], rows[pivot] = rows[pivot], rows[i]
        for r in range(size):
            if r != i:
                factor = rows[r][i] / rows[i][i]
                rows[r] = [a - factor * b for a, b in zip(rows[r], rows[i])]
    return [rows[i][size] / rows[i][i] for i in range(size)]


def fit(points):
    """(overhead, seconds a FLOP, seconds a byte): of all choices of terms whose least squares have no negative
    number, the one with the least error."""
    # Scaled to numbers near one: microseconds, TFLOP and GB.
    rows = [(1e-6 / t, f / 1e15 / t, b / 1e12 / t) for f, b, t, _ in points]
    best = None
    for count in (1, 2, 3):
        for terms in itertools.combinations(range(3), count):
            normal = [[sum(row[i] * row[j] for row in rows) for j in terms] for i in terms]
            found = solve(normal, [sum(row[i] for row in rows) for i in terms])
            if found is None or min(found) < 0:
                continue
            x = [0.0, 0.0, 0.0]
            for term, value in zip(terms, found):
                x[term] = value
            error = sum((sum(a * b for a, b in zip(x, row)) - 1) ** 2 for row in rows)
            if best is None or error < best[0]:
                best = (error, x)
    overhead, per_flop, per_byte = best[1]
    return overhead * 1e-6, per_flop / 1e15, per_byte / 1e12


def relative_error(model, point):
    overhead, per_flop, per_byte = model
    flop, moved, time, _ = point
    return (overhead + flop * per_flop + moved * per_byte) / time - 1


def mean(values):
    return sum(values) / len(values)


def report(name, points):
    overhead, per_flop, per_byte = model = fit(points)
    errors = [abs(relative_error(model, point)) for point in points]
    left_out = [relative_error(fit(points[:i] + points[i + 1:]), point) for i, point in enumerate(points)]
    print(f"{name}: {len(points)} points")
    print(f"  overhead {overhead * 1e6:.2f} us")
    print("  flop_rate " + (f"{1e-12 / per_flop:.0f} TFLOPS" if per_flop > 0 else "not needed"))
    print("  memory_rate " + (f"{1e-9 / per_byte:.0f} GB/s" if per_byte > 0 else "not needed"))
    print(f"  error {100 * mean(errors):.1f} % in the mean, {100 * max(errors):.1f} % at worst")
    absolute = [abs(error) for error in left_out]
    print(f"  left out {100 * mean(absolute):.1f} % in the mean, {100 * max(absolute):.1f} % at worst:")
    print(f"    {points[absolute.index(max(absolute))][3]}")


def main():
    if len(sys.argv) < 2 or sys.argv[1].startswith("-"):
        sys.exit(__doc__)
    points = read_points(sys.argv[1])
    for name in sys.argv[2:] or points:
        chosen = [point for operator in name.split("+") for point in points.get(operator, [])]
        if len(chosen) < 4:
            print(f"{name}: {len(chosen)} points are too few")
        else:
            report(name, chosen)


if __name__ == "__main__":
    main()
