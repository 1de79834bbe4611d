#!/bin/bash
# Shows the arithmetic of article.lua on three real processes: before the first jumps to 1000, and after; and the same once more
# with each expected against itself. About a minute. Needs build/tend and build/shop (cmake -S . -B build -G Ninja && ninja -C build).
set -eu
here=$(cd "$(dirname "$0")" && pwd)
build=${BUILD:-$here/../../build}
run=$(mktemp -d)
started=()
end() {
  [ ${#started[@]} -eq 0 ] || kill "${started[@]}" 2>/dev/null || true
  wait
  rm -rf "$run"
}
trap end EXIT
trap 'exit 130' INT TERM

set_first() { curl -sf -X POST "http://127.0.0.1:9321/set?value=$1" -o /dev/null; }
table() { # TITLE
  echo
  echo "$1"
  printf '  %-8s %8s %8s %8s %8s\n' service P E F A
  "$build/tend" status --json --state "$run/state" |
    jq -r '.services[] | [.name, (.metrics[] | select(.name == "load") | .p, .e, .f, .a, .out)] | @tsv' |
    while read -r name p e f a out; do
      printf '  %-8s %8.1f %8.1f %8.3f %8.2f %s\n' "$name" "$p" "$e" "$f" "$a" "$([ "$out" = true ] && echo '<- out of line')"
    done
}

port=9321
for value in 500 300 400; do
  "$build/shop" --gauge load --value $value --port $port &
  started+=($!)
  port=$((port + 1))
done
mkdir "$run/rules"
cp -R "$here/article.lua" "$here/env" "$run/rules"
"$build/tend" run "$run/rules" --env demo --state "$run/state" 2>"$run/tend.log" &
started+=($!)
for _ in $(seq 50); do
  "$build/tend" status --state "$run/state" >/dev/null 2>&1 && break
  sleep 0.1
done

sleep 6
table "Expected: the mean over all three. Nothing is wrong, and two of three are out of line:"
set_first 1000
sleep 6
table "The first jumps to 1000. The mean goes with it, and all three are out of line:"

set_first 500
sed -i 's/^ *expect = tend.peers.*//; s/-- \(expect = tend.learned\)/\1/' "$run/rules/article.lua"
"$build/tend" reload --state "$run/state" >/dev/null
sleep 26
table "Now each is expected to be what it was lately, expect = tend.learned { last = 20 }. Nothing is wrong:"
set_first 1000
sleep 4
table "The first jumps to 1000, and only it is out of line:"
