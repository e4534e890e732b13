#!/usr/bin/env bash
# Draws what a simulation costs against the size of the cluster: docs/scaling.svg and the tables of docs/scaling.md.
#   tools/scaling.sh [GPUS]     sizes from 64 GPUs up to GPUS (default 65536, some minutes)
set -euo pipefail
cd "$(dirname "$0")/.."
most=${1:-65536}
tools/setup.sh test

# Debian's matplotlib belongs to Debian's python3, which another may hide.
python=
for candidate in python3 /usr/bin/python3; do
  "$candidate" -c 'import matplotlib' 2>/dev/null && { python=$candidate; break; }
done
[ -n "$python" ] || { echo "scaling: no matplotlib (apt-get install python3-matplotlib)" >&2; exit 3; }

cmake --preset release -B build/bench -DPLANEWISE_TESTS=ON >/dev/null
cmake --build build/bench --target planewise_bench
"$python" tools/scaling_plot.py build/bench/tests/bench/planewise_bench --most "$most" --docs docs
