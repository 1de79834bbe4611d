#!/bin/bash
# Installs what is needed, builds, and runs every test. Each runner prints its closing line; the last line sums up.
#
#   tests/run.sh [--fuzz SECONDS] [--werror] [PART…]     parts: unit sandbox lua conformance order fuzz e2e
#                                                        sweep (default: all)
#
# Unit tests run with AddressSanitizer and UndefinedBehaviorSanitizer, and on a plain build as well, for a sanitized one
# can neither limit memory nor have an allocation fail. End-to-end tests run the plain binary on real processes, loopback only.
# The sweep kills a binary of its own, built with fault hooks, at the writes of its journal (SWEEP_FULL=1: at all of them).
set -eu
cd "$(dirname "$0")/.."
fuzz_seconds=10
werror=OFF
parts=()
while [ $# -gt 0 ]; do
  case $1 in
    --fuzz) fuzz_seconds=$2; shift ;;
    --werror) werror=ON ;;
    -h | --help) sed -n '2,9s/^# \{0,1\}//p' "$0"; exit 0 ;;
    -*) echo "$0: there is no option $1" >&2; exit 2 ;;
    *) parts+=("$1") ;;
  esac
  shift
done
[ ${#parts[@]} -gt 0 ] || parts=(unit sandbox lua conformance order fuzz e2e sweep)
wants() { [[ " ${parts[*]} " == *" $1 "* ]]; }

tests/install.sh test
jobs=$(nproc)
passed=()
failed=()
part() { # NAME COMMAND…
  local name=$1 begun=$SECONDS
  shift
  echo "== $name"
  if "$@"; then passed+=("$name"); else failed+=("$name"); fi
  echo "== $name: $((SECONDS - begun)) s"
}
build() { # DIRECTORY OPTION…
  local directory=$1
  shift
  cmake -S . -B "$directory" -G Ninja -DTEND_WERROR="$werror" "$@" >"$directory.log" 2>&1 || { cat "$directory.log"; return 1; }
  # shellcheck disable=SC2086 # none or several targets
  ninja -C "$directory" -j "$jobs" ${targets:-} >"$directory.log" 2>&1 || { cat "$directory.log"; return 1; }
}
run_unit() { build build-asan -DTEND_SANITIZE=ON && ctest --test-dir build-asan --output-on-failure -j "$jobs"; }
# All of them: also those in which allocations fail in turn skip themselves under the sanitizers.
run_sandbox() { ctest --test-dir build --output-on-failure -j "$jobs"; }
run_lua() { luajit tests/lua/run.lua; }
run_conformance() { TEND_BINARY=$PWD/build/tend python3 tests/e2e/conformance.py; }
fuzz_one() { # PROGRAM
  local name corpus status=0
  name=$(basename "$1")
  corpus=$(mktemp -d)
  "$1" -max_total_time="$fuzz_seconds" -timeout=5 -rss_limit_mb=2048 -print_final_stats=0 -verbosity=0 \
    -artifact_prefix=build-fuzz/ "$corpus" "tests/fuzz/corpus/${name#fuzz_}" >"build-fuzz/$name.log" 2>&1 || status=1
  rm -rf "$corpus"
  if [ "$status" -eq 0 ]; then echo "ok $name"; else echo "FAILED $name"; tail -40 "build-fuzz/$name.log"; fi
}
run_fuzz() {
  build build-fuzz -DTEND_FUZZ=ON -DCMAKE_C_COMPILER=clang || return 1
  export -f fuzz_one
  export fuzz_seconds
  local log=build-fuzz/fuzz.log good bad
  find build-fuzz -maxdepth 1 -type f -name 'fuzz_*' -executable -print0 | sort -z |
    xargs -0 -P "$jobs" -I{} bash -c 'fuzz_one {}' >"$log"
  cat "$log"
  good=$(grep -c '^ok ' "$log")
  bad=$(grep -c '^FAILED ' "$log")
  echo "fuzz: $good passed, $bad failed"
  [ "$bad" -eq 0 ] && [ "$good" -gt 0 ]
}
run_e2e() { TEND_BINARY=$PWD/build/tend SHOP_BINARY=$PWD/build/shop python3 tests/e2e/run.py; }
run_sweep() {
  targets="tend test_journal_crash" build build-faults -DTEND_FAULTS=ON || return 1
  ctest --test-dir build-faults --output-on-failure -R '/test_journal_crash$' &&
    TEND_BINARY=$PWD/build-faults/tend python3 tests/e2e/run.py test_sweep
}

mkdir -p build
part "build" build build
wants order && part "include order" tests/include_order.sh
wants unit && part "unit" run_unit
wants sandbox && part "sandbox, plain build" run_sandbox
wants lua && part "lua" run_lua
wants conformance && part "conformance" run_conformance
wants fuzz && part "fuzz" run_fuzz
wants e2e && part "end to end" run_e2e
wants sweep && part "sweep" run_sweep

echo
[ ${#failed[@]} -eq 0 ] || printf 'failed: %s\n' "${failed[@]}"
echo "parts: ${#passed[@]} passed, ${#failed[@]} failed"
[ ${#failed[@]} -eq 0 ]
