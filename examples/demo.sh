#!/bin/bash
# The demo: a shop of seven processes is broken in four ways, and `tend` warns, finds the culprit and puts it right.
# Installs what it needs (Debian, as root or with sudo), builds, takes under two minutes after that, leaves nothing running.
#
#   examples/demo.sh            BUILD=dir for another build directory, SHOP_BASE=port for other ports (9310),
#                               SHOP_RUN=dir for another directory than /tmp/tend-shop
set -u
root=$(cd "$(dirname "$0")/.." && pwd)
build=${BUILD:-$root/build}
run=${SHOP_RUN:-/tmp/tend-shop} # as examples/shop/env/demo.lua says
state=$run/state
base=${SHOP_BASE:-9310}
rules=$root/examples/shop
tend_pid=

if [ -t 1 ]; then
  bold=$'\e[1m' dim=$'\e[2m' red=$'\e[31m' green=$'\e[32m' yellow=$'\e[33m' cyan=$'\e[36m' plain=$'\e[0m'
else
  bold='' dim='' red='' green='' yellow='' cyan='' plain=''
fi

say() { printf '%s\n' "$*"; }
fail() { printf '%s%s%s\n' "$red" "$*" "$plain" >&2; exit 1; }
now_ms() { date +%s%3N; }
tend() { "$build/tend" "$@" --state "$state"; }
shopctl() { SHOP_BASE=$base SHOP_BINARY=$build/shop "$root/examples/shop/shopctl" "$run" "$@"; }

end() {
  trap - EXIT INT TERM
  if [ -n "$tend_pid" ]; then
    kill -TERM "$tend_pid" 2>/dev/null
    wait "$tend_pid" 2>/dev/null
  fi
  [ -d "$run" ] && shopctl stop all
}

install_and_build() {
  "$root/tests/install.sh" build || exit 1
  say "${dim}building in $build …$plain"
  mkdir -p "$build" || exit 1
  [ -f "$build/build.ninja" ] || cmake -S "$root" -B "$build" -G Ninja >"$build/demo.log" || { cat "$build/demo.log"; exit 1; }
  ninja -C "$build" tend shop >"$build/demo.log" || { cat "$build/demo.log"; exit 1; }
}

# The rules in examples/shop name /tmp/tend-shop; for another directory they are copied, with an env that names that one.
find_rules() {
  [ "$run" != /tmp/tend-shop ] || return 0
  rules=$run/rules
  mkdir -p "$rules/env" && cp "$root/examples/shop/shop.lua" "$rules/" &&
    sed "s|/tmp/tend-shop|$run|g" "$root/examples/shop/env/demo.lua" >"$rules/env/demo.lua"
}

start_all() {
  (umask 077 && mkdir -p "$run") || exit 1
  [ -O "$run" ] || fail "$run belongs to somebody else"
  run=$(cd "$run" && pwd)
  exec 8>"$run/demo.lock" || exit 1
  flock -n 8 || fail "another demo is running in $run"
  trap end EXIT
  trap 'exit 130' INT TERM
  shopctl stop all
  rm -rf "$state" "$run"/*.log
  find_rules
  shopctl start all || exit 1
  shopctl load 40
  say "${bold}The shop${plain}: gateway → checkout → payments (2), stock (2); payments → ledger. Seven processes, 40 requests a second."
  say "${dim}\$ tend run ${rules#"$root"/} --env demo --state $state --listen 127.0.0.1:$((base - 1))$plain"
  "$build/tend" run "$rules" --env demo --state "$state" --listen "127.0.0.1:$((base - 1))" >"$run/tend.log" 2>&1 8>&- &
  tend_pid=$!
  local try
  for ((try = 0; try < 300; try++)); do
    tend status --json 2>/dev/null | jq -se '(.[0].generation // "") != ""' >/dev/null && break # the rules are loaded
    [ -d "/proc/$tend_pid" ] || { cat "$run/tend.log" >&2; fail "tend did not start"; }
    sleep 0.1
  done
  say "${dim}\$ tend arm --all$plain"
  tend arm --all | sed 's/^/  /'
  [ "${PIPESTATUS[0]}" -eq 0 ] || fail "the playbooks cannot be armed"
  wait_until_in_line
  sleep 4 # the first rates and means
  say "${dim}\$ tend status$plain"
  tend status | sed 's/^/  /'
}

# What is known now of new incidents and of instances out of line. A line each: when (ms), a name for it, its kind, the text.
# shellcheck disable=SC2016
jq_facts='
  def round_to($n): . * $n | round / $n;
  def shown($unit): if $unit == "s" then "\(. * 1000 | round) ms" elif $unit == "bytes" then "\(. / 1048576 | round) MiB"
    elif $unit == "ratio" then "\(. * 100 | round) %" else "\(round_to(10))\($unit)" end;
  def ms: sub("\\.(?<f>[0-9]+)Z$"; "Z") as $whole | (capture("\\.(?<f>[0-9]{3})Z$").f // "0" | tonumber) as $part
    | ($whole | fromdateiso8601) * 1000 + $part;
  def fact($at; $name; $kind; $text): [($at | if type == "string" then ms else . end), $name, $kind, $text] | @tsv;
  def service: .name | sub("/.*"; ""); # one line for a metric of a service is enough
  def warnings($now): .services[].instances[] | . as $i
    | if .state == "down" then fact($now; "\(service) up"; "warning"; "\(.name): scrape fails, \(.kind)")
      else .metrics | to_entries[] | select(.value.out) | .value as $m
        | fact($now; "\($i | service) \(.key)"; "warning"; "\($i.name): \(.key) is \($m.P | shown($m.unit)), " +
            "expected \($m.E | shown($m.unit)), A = \($m.A | round_to(10))") end;
  def story: . as $i
    | (.alerts[] | fact(.fired; "\(.rule) \(.service)"; "alert"; .summary)),
      (.culprits[] | . as $c
        | fact(([$i.timeline[] | select(.text | startswith("culprit")).at] + [$i.opened])[0]; "culprit \(.service)"; "culprit";
          "\(.service), confidence \(.confidence): \([.reasons[] | select(length < 90)] | .[:3] | join("; "))")),
      (.decisions[] | select(.what != "act") | fact(.at; "\(.what) \(.reason)"; .what; .text)),
      (.runs[].steps[] | select(.state == "ended" and (.kind == "exec" or .kind == "verify")) | . as $s
        | fact(.ended; "step \(.began)"; .verb // .kind;
          if .kind == "verify" and .outcome == "done"
          then "\(if (.instance // "") == "" then "the incident" else .instance end) is in line again, on newer samples"
          else "\(.instance): \(.outcome) in \(.took_s | round_to(100)) s\(if (.error // "") == "" then "" else ", \(.error)" end)" end)),
      (if .state == "ended" then fact(.ended; "end"; .outcome; "") else empty end);
  if .timeline then story else warnings($now) end'
facts() { # INCIDENTS-BEFORE, a JSON list of ids
  {
    tend status --json
    for id in $(tend incidents --json | jq -r --argjson before "$1" '[.incidents[].id] - $before | .[]'); do
      tend explain "$id" --json
    done
  } | jq -r --argjson now "$(now_ms)" "$jq_facts" | sort -n
}

print_fact() { # MILLISECONDS KIND TEXT
  local color=$plain
  case $2 in
    warning) color=$yellow ;;
    alert) color=$red ;;
    culprit) color=$bold$cyan ;;
    recovered) color=$bold$green ;;
    verify) color=$green ;;
  esac
  printf '  %s%3d.%d s%s  %s%-9s%s %s\n' "$dim" $(($1 / 1000)) $(($1 % 1000 / 100)) "$plain" "$color" "$2" "$plain" "$3"
}

# Shows what happens, as it happens, until the new incident has ended. 0 when it ended as recovered.
watch() { # SINCE_MS INCIDENTS-BEFORE
  local since=$1 at name kind text
  local -A seen=()
  while [ $(($(now_ms) - since)) -lt 60000 ]; do
    while IFS=$'\t' read -r at name kind text; do
      if [ -n "${seen[$name]-}" ]; then continue; fi
      if [ "$kind" = warning ] && [ -n "${seen[restarted]-}" ]; then continue; fi # what is left in a window is no news
      seen[$name]=1
      [ "$kind" != restart ] || seen[restarted]=1
      [ "$kind" != culprit ] || found_ms=$((at - since))
      [ "$name" != end ] || { recovered_ms=$((at - since)); [ "$kind" = recovered ]; return; }
      print_fact $((at > since ? at - since : 0)) "$kind" "$text"
    done < <(facts "$2")
    sleep 0.1
  done
  return 1
}

wait_until_in_line() {
  local try
  for ((try = 0; try < 150; try++)); do
    [ "$(tend status --json | jq '[.services[].instances[] | select(.state != "ok")] | length')" = 0 ] && return 0
    sleep 0.2
  done
  tend status
  fail "the shop does not come into line"
}

number=0
break_it() { # TITLE SERVICE PORT KIND
  wait_until_in_line
  [ $((number++)) -eq 0 ] || sleep 3 # to read what was
  local before pids since found_ms=0 recovered_ms=0 seconds restarted
  before=$(tend incidents --json | jq -c '[.incidents[].id]')
  pids=$(shopctl status)
  say ""
  say "${bold}── $number of 4: $1 ──$plain  ${dim}\$ shopctl $run hurt $2 $3 $4$plain"
  since=$(now_ms)
  shopctl hurt "$2" "$3" "$4" || exit 1
  watch "$since" "$before" || { tend incidents; tail -n 20 "$run/tend.log"; fail "not recovered"; }
  restarted=$(diff <(echo "$pids") <(shopctl status) | awk '/^>/ { print $2 "/127.0.0.1:" $3 }' | paste -sd " ")
  seconds=$(LC_ALL=C awk -v f="$found_ms" -v r="$recovered_ms" 'BEGIN { printf "found in %.1f s, cured and verified in %.1f s", f / 1000, r / 1000 }')
  print_fact "$recovered_ms" recovered "$seconds; restarted: ${restarted:-nothing}, nothing else"
}

install_and_build
begun=$(now_ms)
start_all
break_it "a stock instance crashes" stock $((base + 5)) crash
break_it "the ledger hangs, and everything upstream of it waits" ledger $((base + 4)) hang
break_it "one of two payments answers errors" payments $((base + 2)) errors
break_it "a stock instance leaks memory" stock $((base + 6)) leak

say ""
say "${bold}All of it$plain  ${dim}\$ tend incidents$plain"
tend incidents
say ""
say "${bold}The last one$plain  ${dim}\$ tend explain last$plain"
tend explain last
say ""
say "The demo took $((($(now_ms) - begun) / 1000)) s. Its logs are in $run."
