#!/bin/bash
# Shows the arithmetic of article.lua on three real processes: before the first jumps to 1000, and after; and the same once more
# with each expected against itself. About three quarters of a minute. Needs build/tend and build/shop (cmake -S . -B build -G Ninja && ninja -C build).
#
#   examples/article/run.sh     BUILD=dir for another build directory, PORT=port for other ports than 9321 to 9323
set -eu
here=$(cd "$(dirname "$0")" && pwd)
build=${BUILD:-$here/../../build}
port=${PORT:-9321}
run=$(mktemp -d)
started=()
end() {
  [ ${#started[@]} -eq 0 ] || kill "${started[@]}" 2>/dev/null || true
  wait
  rm -rf "$run"
}
trap end EXIT
trap 'exit 130' INT TERM

tend() { "$build/tend" "$@" --state "$run/state"; }
set_first() { curl -sf -X POST "http://127.0.0.1:$port/set?value=$1" -o /dev/null; }
table() { # TITLE
  printf '\n%s\n  %-8s %8s %8s %8s %8s\n' "$1" service P E F A
  tend status --json |
    jq -r '.services[] | [.name, (.metrics[] | select(.name == "load") | .P // 0, .E // 0, .F // 0, .A // 0, .out)] | @tsv' |
    while read -r name p e f a out; do
      LC_ALL=C printf '  %-8s %8.1f %8.1f %8.3f %8.1f %s\n' "$name" "$p" "$e" "$f" "$a" "$([ "$out" = true ] && echo '<- out of line')"
    done
}

i=0
for value in 500 300 400; do
  "$build/shop" --gauge load --value $value --port $((port + i)) &
  started+=($!)
  i=$((i + 1))
done
mkdir "$run/rules" "$run/rules/env"
cp "$here/article.lua" "$run/rules"
sed "s/:9321/:$port/; s/:9322/:$((port + 1))/; s/:9323/:$((port + 2))/" "$here/env/demo.lua" >"$run/rules/env/demo.lua"
"$build/tend" run "$run/rules" --env demo --state "$run/state" 2>"$run/tend.log" &
started+=($!)
for _ in $(seq 100); do
  tend status >/dev/null 2>&1 && break
  sleep 0.1
done

sleep 5 # the window is 3 s
table "Expected: the mean over all three. Nothing is wrong, and two of three are out of line:"
set_first 1000
sleep 5
table "The first jumps to 1000. The mean goes with it, and all three are out of line:"

set_first 500
sleep 4
sed -i 's/^ *expect = tend.peers.*//; s/-- \(expect = tend.learned\)/\1/' "$run/rules/article.lua"
tend reload >/dev/null
sleep 25 # twenty samples, and before that there is no expectation
table "Now each is expected to be what it was lately, expect = tend.learned { last = 20 }. Nothing is wrong:"
set_first 1000
sleep 5
table "The first jumps to 1000, and only it is out of line:"
