#!/usr/bin/env bash
# Installs what is missing, builds everything (preset dev, warnings are errors) and runs every test that is not slow.
set -euo pipefail
cd "$(dirname "$0")/.."

tools/setup.sh test
echo "test: configuring and building (up to eight minutes on 2 cores the first time)"
cmake --preset dev
cmake --build --preset dev
echo "test: running"
ctest --preset dev
