#!/usr/bin/env bash
# Runs every bundled workload on every bundled fabric that is large enough, and prints a table of step times (of
# inference the first TPOT).
#   tools/run_all.sh [WORKLOAD...]     default: all of workloads/
# PLANEWISE is the program (default build/dev/planewise). Fails if a run fails, takes longer than RUN_LIMIT seconds
# (default 600), or is refused for another reason than these: too few GPUs, traffic in groups that do not fill the
# nodes, a fabric that a published table gives as counts alone.
set -uo pipefail
cd "$(dirname "$0")/.."
program=${PLANEWISE:-build/dev/planewise}
workloads=("$@")
if [ $# -eq 0 ]; then mapfile -t workloads < <(grep -l '^planewise_workload:' workloads/*.yaml | sort); fi
mapfile -t topologies < <(grep -rl '^planewise_topology:' topologies --include='*.yaml' | sort)

errors=$(mktemp)
report=$(mktemp)
trap 'rm -f "$errors" "$report"' EXIT
ran=0
refused=0
failed=0
for workload in "${workloads[@]}"; do
  for topology in "${topologies[@]}"; do
    timeout "${RUN_LIMIT:-600}" "$program" run -w "$workload" -t "$topology" --format csv >"$report" 2>"$errors"
    code=$?
    name="$(basename "$workload" .yaml) on $(basename "$topology" .yaml)"
    if [ $code -eq 0 ]; then
      ran=$((ran + 1))
      # step_time_s of a step, total_s of traffic, tpot_s of inference.
      printf '%-90s %s\n' "$name" "$(awk -F, -v key=step_time_s '
        !found { for (i = 1; i <= NF; ++i) if ($i == key || $i == "total_s" || $i == "tpot_s") { column = i; found = 1; next } }
        found && !done { print $column; done = 1 }' "$report")"
    elif [ $code -eq 2 ] && grep -qE 'GPU of its own|rank i is GPU i|no graph to simulate|do not fill nodes of' "$errors"; then
      refused=$((refused + 1))
    else
      failed=$((failed + 1))
      printf '%-90s failed (%d): %s\n' "$name" $code "$(grep -m1 -E 'error' "$errors" || tail -1 "$errors")"
    fi
  done
done
echo "$ran runs, $refused refused (too few GPUs, groups that do not fill nodes, no graph), $failed failures"
[ $failed -eq 0 ]
