#!/usr/bin/env bash
# Layout (clang-format) and ten clang-tidy checks over all sources. Slow (minutes): run it before you push.
#   tools/lint.sh [--fix]     --fix rewrites the layout
set -euo pipefail
cd "$(dirname "$0")/.."
for tool in clang-format clang-tidy; do
  command -v $tool >/dev/null || { echo "lint: needs $tool (apt-get install clang-format clang-tidy)" >&2; exit 3; }
done
mapfile -t all < <(git ls-files '*.cc' '*.h')
if [ "${1:-}" = --fix ]; then clang-format -i "${all[@]}"; else clang-format --dry-run -Werror "${all[@]}"; fi
[ -f build/dev/compile_commands.json ] || cmake --preset dev >/dev/null
cmake --build --preset dev --target planewise_version >/dev/null
mapfile -t sources < <(git ls-files 'src/*.cc' 'tools/*.cc')
# The compile commands are g++'s; clang-tidy does not know all of their warnings.
printf '%s\n' "${sources[@]}" | xargs -P "$(nproc)" -n 1 \
  clang-tidy -p build/dev --quiet --extra-arg=-Wno-unknown-warning-option
echo "lint: ${#all[@]} files in layout, ${#sources[@]} files checked"
