#!/usr/bin/env bash
# Slow checks: sanitizers over the whole suite, random tests with fresh seeds, the fast engine against SimGrid over
# tens of thousands of cases, fuzz runs of the YAML reader and of the solver.
#   tools/nightly.sh [SEEDS] [FUZZ_SECONDS] [ENGINE_SEEDS]
set -euo pipefail
cd "$(dirname "$0")/.."
seeds=${1:-20}
fuzz_seconds=${2:-60}
engine_seeds=${3:-10000}  # Each is four cases, of some 10 ms.
tools/setup.sh test

cmake --workflow --preset asan

cmake --preset dev && cmake --build --preset dev
for seed in $(seq 1 "$seeds"); do
  PLANEWISE_SEED=$((RANDOM * 32768 + RANDOM)) ctest --preset dev -R '^(engine|fabric|simulate)/' --quiet ||
    { echo "nightly: a random test failed; its seed is above" >&2; exit 1; }
  echo "nightly: $seed of $seeds seeds"
done

first=$((RANDOM * 32768 + RANDOM))
echo "nightly: fast against simgrid, seeds $first to $((first + engine_seeds - 1))"
PLANEWISE_SEED=$first PLANEWISE_SEED_COUNT=$engine_seeds build/dev/tests/engine_tests --gtest_brief=1 \
  --gtest_filter='Simgrid.AgreesWithFastEngineOnSmallCases:BruteForce.AgreesWithFastEngine' ||
  { echo "nightly: the engines differ; the seed is above" >&2; exit 1; }

command -v clang++ >/dev/null || { echo "nightly: no clang++, so no fuzzing (apt-get install clang)" >&2; exit 3; }
cmake --preset fuzz && cmake --build --preset fuzz --target yaml_reader_fuzz solver_fuzz
corpus=$(mktemp -d)
trap 'rm -rf "$corpus"' EXIT
mkdir "$corpus/yaml" "$corpus/solver"
fuzz() {
  "$(find build/fuzz -name "$1" -type f)" -max_total_time="$fuzz_seconds" -timeout=5 "${@:2}"
}
fuzz yaml_reader_fuzz -max_len=4096 "$corpus/yaml" tests/fuzz/corpus
fuzz solver_fuzz -max_len=400 "$corpus/solver" tests/fuzz/corpus_solver
echo "nightly: all passed"
