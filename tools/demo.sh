#!/usr/bin/env bash
# The ten-minute tour: installs what is missing, builds planewise (Release), compares three fabrics for DeepSeek-V3 and
# prices the three published fat trees. Run it again as often as you like.
set -euo pipefail
cd "$(dirname "$0")/.."

tools/setup.sh build
echo "demo: building planewise (a few minutes the first time)"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
if ! { cmake --preset release && cmake --build --preset release --target planewise; } >"$log" 2>&1; then
  tail -n 40 "$log" >&2
  echo "demo: the build failed (its last lines are above)" >&2
  exit 1
fi

show() {
  printf '\n$ %s\n\n' "$*"
  build/release/"$@"
}
show planewise compare -w workloads/deepseek_v3_train_2048_h800.yaml \
  topologies/mpft_2048.yaml topologies/mrft_2048.yaml topologies/ft3_2048.yaml
show planewise cost topologies/published/ft2_2048.yaml topologies/published/mpft_16384.yaml topologies/published/ft3_65536.yaml
printf '\ndemo: done. The program is build/release/planewise; start with docs/tutorial.md\n'
