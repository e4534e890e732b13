#!/usr/bin/env bash
# Builds the benchmarks as released and prints how long each takes and, where it matters, how much memory.
#   tools/bench.sh [REGEX] [OPTION...]    only those whose name fits; OPTIONs of Google Benchmark
set -euo pipefail
cd "$(dirname "$0")/.."
filter=${1:-.}
tools/setup.sh test

cmake --preset release -B build/bench -DPLANEWISE_TESTS=ON >/dev/null
cmake --build build/bench --target planewise_bench
build/bench/tests/bench/planewise_bench --benchmark_filter="$filter" "${@:2}"
