#!/usr/bin/env bash
# Installs the Debian packages that planewise needs and that are missing. Run by the other scripts.
#   tools/setup.sh [build|test|packet]     packet: the simulator that tools/packet.sh compares with
set -euo pipefail

build_packages=(g++ cmake ninja-build git libsimgrid-dev libboost-graph-dev libcli11-dev libyaml-cpp-dev
                libfmt-dev nlohmann-json3-dev libeigen3-dev libssl-dev libgraphviz-dev pkgconf)
test_packages=(libgtest-dev librapidcheck-dev libbenchmark-dev python3 graphviz libxml2-utils ibsim-utils libumad2sim0
               infiniband-diags openmpi-bin)

packages=("${build_packages[@]}")
[ "${1:-build}" = test ] && packages+=("${test_packages[@]}")
[ "${1:-build}" = packet ] && packages+=(libns3-dev)

missing=()
for package in "${packages[@]}"; do
  dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' || missing+=("$package")
done
if [ ${#missing[@]} -eq 0 ]; then
  echo "setup: all ${#packages[@]} packages are installed"
  exit 0
fi

command -v apt-get >/dev/null || { echo "setup: no apt-get here; planewise builds on Debian 12. Needed: ${missing[*]}" >&2; exit 3; }
as_root=()
if [ "$(id -u)" -ne 0 ]; then
  command -v sudo >/dev/null || { echo "setup: not root and no sudo; as root run: apt-get install ${missing[*]}" >&2; exit 3; }
  as_root=(sudo)
fi
echo "setup: installing ${missing[*]}"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
if ! { "${as_root[@]}" apt-get update && DEBIAN_FRONTEND=noninteractive "${as_root[@]}" apt-get install -y --no-install-recommends "${missing[@]}"; } >"$log" 2>&1 </dev/null; then
  tail -n 20 "$log" >&2
  echo "setup: apt-get failed (its last lines are above)" >&2
  exit 3
fi
