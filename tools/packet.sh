#!/usr/bin/env bash
# Compares completion times with those of a packet-level simulator (ns-3) and prints tables in Markdown. Installs
# libns3-dev if it is missing. See docs/packet.md.
#   tools/packet.sh [OPTION...]     OPTIONs of packet_comparison; --help lists them
#   tools/packet.sh --update        all tables, into docs/packet.md
set -euo pipefail
cd "$(dirname "$0")/.."
update=false
if [ "${1:-}" = --update ]; then
  [ $# -eq 1 ] || { echo "packet: --update takes no further option" >&2; exit 1; }
  update=true
fi
tools/setup.sh packet >&2

cmake --preset release -B build/packet -DPLANEWISE_PACKET=ON >/dev/null
cmake --build build/packet --target packet_comparison >&2
program=build/packet/tests/packet/packet_comparison
$update || exec "$program" "$@"

page=docs/packet.md
tables=$(mktemp)
trap 'rm -f "$tables" "$tables.page"' EXIT
"$program" >"$tables"
awk -v tables="$tables" '
  /^<!-- tables: end -->$/ { inside = 0; ends++ }
  !inside { print }
  /^<!-- tables: begin -->$/ { inside = 1; print ""; while ((getline line < tables) > 0) print line }
  END { if (ends != 1) exit 1 }' "$page" >"$tables.page" ||
  { echo "packet: $page has no place for the tables" >&2; exit 1; }
cat "$tables.page" >"$page"
echo "packet: the tables of $page are new; its text may not fit them any more" >&2
