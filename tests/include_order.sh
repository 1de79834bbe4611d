#!/bin/bash
# Checks that a file of core/ includes only headers of its own folder and of folders left of it (core/ARCHITECTURE.md),
# its own header first. Prints each fault as FILE:LINE and a closing line.
set -eu
cd "$(dirname "$0")/.."
order=(base parse series deviation journal alert locate playbook engine recording script driver/live driver/sim driver/world driver/past api cli)
declare -A rank
for i in "${!order[@]}"; do rank[${order[$i]}]=$i; done

checked=0
faults=0
fault() {
  echo "$1"
  faults=$((faults + 1))
}
for file in $(find core -name '*.[ch]' | sort); do
  folder=$(dirname "${file#core/}")
  checked=$((checked + 1))
  [ -n "${rank[$folder]:-}" ] || { fault "$file:1: no folder of the order"; continue; }
  first=1
  while IFS=: read -r line text; do
    header=${text#*\"}
    header=${header%%\"*}
    to=$(dirname "$header")
    if [ -z "${rank[$to]:-}" ]; then
      fault "$file:$line: \"$header\" is in no folder of the order"
    elif [ "${rank[$to]}" -gt "${rank[$folder]}" ]; then
      fault "$file:$line: $folder may not include \"$header\": $to stands right of it"
    fi
    own=${file#core/}
    own=${own%.c}.h
    if [ "$first" = 1 ] && [[ $file == *.c ]] && [ -e "core/$own" ] && [ "$header" != "$own" ]; then
      fault "$file:$line: its own header \"$own\" comes first"
    fi
    first=0
  done < <(grep -n '^#include "' "$file")
done
# Only core/script may know Lua.
while IFS=: read -r file line _; do
  fault "$file:$line: only core/script includes Lua's headers"
done < <(grep -rnE '#include <(lua|lauxlib|lualib|luajit)' core --include='*.[ch]' | grep -v '^core/script/' || true)
echo "include order: $((checked - (faults > checked ? checked : faults))) passed, $faults failed"
[ "$faults" -eq 0 ]
