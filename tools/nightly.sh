#!/usr/bin/env bash
# Slow checks: sanitizers over the whole suite, random tests with fresh seeds, a fuzz run of the YAML reader.
#   tools/nightly.sh [SEEDS] [FUZZ_SECONDS]
set -euo pipefail
cd "$(dirname "$0")/.."
seeds=${1:-20}
fuzz_seconds=${2:-60}
tools/setup.sh test

cmake --workflow --preset asan

cmake --preset dev && cmake --build --preset dev
for seed in $(seq 1 "$seeds"); do
  PLANEWISE_SEED=$((RANDOM * 32768 + RANDOM)) ctest --preset dev -R '^(engine|fabric|simulate)/' --quiet ||
    { echo "nightly: a random test failed; its seed is above" >&2; exit 1; }
  echo "nightly: $seed of $seeds seeds"
done

command -v clang++ >/dev/null || { echo "nightly: no clang++, so no fuzzing (apt-get install clang)" >&2; exit 3; }
cmake --preset fuzz && cmake --build --preset fuzz --target yaml_reader_fuzz
corpus=$(mktemp -d)
trap 'rm -rf "$corpus"' EXIT
"$(find build/fuzz -name yaml_reader_fuzz -type f)" -max_total_time="$fuzz_seconds" -max_len=4096 -timeout=5 \
  "$corpus" tests/fuzz/corpus
echo "nightly: all passed"
