#!/usr/bin/env bash
# On a machine with a GPU: builds with CUDA, runs the tests that need one (also under compute-sanitizer where it is
# installed), measures, fits, and holds the profile against the published one.
#   tools/gpu.sh OUT [--quick] [MORE OPTIONS OF planewise-calibrate run]     --spawn 8 on a node of eight
set -euo pipefail
cd "$(dirname "$0")/.."
out=${1:?usage: tools/gpu.sh OUT [--quick] [options of planewise-calibrate run]}
shift

tools/setup.sh test
cmake --preset dev -DPLANEWISE_CUDA=ON
cmake --build --preset dev
command -v nvidia-smi >/dev/null && nvidia-smi -L || { echo "gpu: no GPU" >&2; exit 3; }

ctest --preset dev -L gpu --output-on-failure
if command -v compute-sanitizer >/dev/null; then
  for tool in memcheck racecheck; do
    echo "gpu: compute-sanitizer $tool"
    compute-sanitizer --tool "$tool" --error-exitcode 1 build/dev/tests/cuda_tests --gtest_brief=1
  done
fi

build/dev/planewise-calibrate run --out "$out" "$@"
status=0
build/dev/planewise-calibrate fit "$out/raw.jsonl" -o "$out/profile.yaml" || status=$?
[ "$status" -eq 0 ] || [ "$status" -eq 4 ] || exit "$status"
for published in h200 h100 h800; do
  build/dev/planewise-calibrate check "$out/profile.yaml" --against "calibration/profiles/${published}_published.yaml" || true
done
exit "$status"
