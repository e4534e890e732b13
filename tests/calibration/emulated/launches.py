#!/usr/bin/env python3
"""Rewrites a CUDA source for tests/calibration/emulated/emulator.h.

usage: launches.py SOURCE TARGET
"""
import re
import sys

LAUNCH = re.compile(r"(\w+(?:<[\w:, ]+>)?)\s*<<<(.*?)>>>\((.*?)\);", re.S)


def arguments(text):
    """Splits at commas that are in no parentheses."""
    parts, depth, last = [], 0, 0
    for i, character in enumerate(text):
        depth += (character in "({[") - (character in ")}]")
        if character == "," and depth == 0:
            parts.append(text[last:i])
            last = i + 1
    return parts + [text[last:]]


def launch(found):
    grid, block = arguments(found[2])[:2]
    return f"planewise::emulated::launch(dim3({grid.strip()}), dim3({block.strip()}), [=] {{ {found[1]}({found[3]}); }});"


def main():
    source, target = sys.argv[1:]
    with open(source, encoding="utf-8") as file:
        text = file.read()
    text = LAUNCH.sub(launch, text)
    if "<<<" in text:
        sys.exit(f"{source}: a launch that was not understood")
    # All shared memory that an SM of any GPU has, where the launch says how much.
    text = re.sub(r"extern __shared__ (.*?)\[\];", r"static \1[232448];", text)
    text = re.sub(r"\b__shared__\b", "static", text)
    text = text.replace("calibration/cuda/mma.cuh", "mma_emulated.h")
    text = re.sub(r"cudaFuncSetAttribute\((\w+),", r"cudaFuncSetAttribute(reinterpret_cast<const void*>(\1),", text)
    with open(target, "w", encoding="utf-8") as file:
        file.write('#include "emulator.h"\n' + f'#line 1 "{source}"\n' + text)


if __name__ == "__main__":
    main()
