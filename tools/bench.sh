#!/usr/bin/env bash
# Builds the benchmarks as released, prints how long each takes and, where it matters, how much memory; then the
# engines' table: fast against SimGrid, with the goals.
#   tools/bench.sh                                      all short benchmarks, then the table (half an hour)
#   tools/bench.sh REGEX [OPTION...]                    only benchmarks whose name fits; OPTIONs of Google Benchmark
#   tools/bench.sh [--table] [--quick] [--markdown] [--rows REGEX]
#                                                       only the table; --quick leaves out what takes over half a minute
set -euo pipefail
cd "$(dirname "$0")/.."
tools/setup.sh test

cmake --preset release -B build/bench -DPLANEWISE_TESTS=ON >/dev/null
cmake --build build/bench --target planewise_bench
program=build/bench/tests/bench/planewise_bench
case "${1:-}" in
  "")
    "$program" --benchmark_filter='-^(table|scaling)/'
    tools/bench_table.py "$program"
    ;;
  --*)
    [ "$1" = --table ] && shift
    tools/bench_table.py "$program" "$@"
    ;;
  *) "$program" --benchmark_filter="$1" "${@:2}" ;;
esac
