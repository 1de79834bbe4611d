#!/bin/bash
# The demo: a shop of seven processes is broken in four ways, and `tend` finds the culprit and puts it right.
# Installs what it needs (Debian, as root or with sudo), builds, takes under two minutes after that, leaves nothing running.
#
#   examples/demo.sh            BUILD=dir for another build directory, SHOP_BASE=port for other ports (9310)
set -u
root=$(cd "$(dirname "$0")/.." && pwd)
build=${BUILD:-$root/build}
run=/tmp/tend-shop # as examples/shop/env/demo.lua says
state=$run/state
base=${SHOP_BASE:-9310}
tend_pid=

if [ -t 1 ]; then
  bold=$'\e[1m' dim=$'\e[2m' red=$'\e[31m' green=$'\e[32m' yellow=$'\e[33m' plain=$'\e[0m'
else
  bold='' dim='' red='' green='' yellow='' plain=''
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
  [ -f "$build/build.ninja" ] || cmake -S "$root" -B "$build" -G Ninja >/dev/null || exit 1
  ninja -C "$build" tend shop >/dev/null || { ninja -C "$build" tend shop; exit 1; }
}

start_all() {
  (umask 077 && mkdir -p "$run") || exit 1
  [ -O "$run" ] || fail "$run belongs to somebody else"
  exec 8>"$run/demo.lock" || exit 1
  flock -n 8 || fail "another demo is running in $run"
  trap end EXIT
  trap 'exit 130' INT TERM
  shopctl stop all
  rm -rf "$state" "$run"/*.log
  shopctl start all || exit 1
  shopctl load 40
  say "${bold}The shop${plain}: gateway → checkout → payments (2), stock (2); payments → ledger. 40 requests a second."
  shopctl status | sed "s/^/  /"
  say "${dim}\$ tend run examples/shop --env demo --state $state --listen 127.0.0.1:$((base - 1))$plain"
  "$build/tend" run "$root/examples/shop" --env demo --state "$state" --listen "127.0.0.1:$((base - 1))" \
    >"$run/tend.log" 2>&1 8>&- &
  tend_pid=$!
  local try
  for ((try = 0; try < 100; try++)); do
    tend status >/dev/null 2>&1 && break
    [ -d "/proc/$tend_pid" ] || { cat "$run/tend.log" >&2; fail "tend did not start"; }
    sleep 0.1
  done
  say "${dim}\$ tend arm --all$plain"
  tend arm --all | sed 's/^/  /'
}

# What is known now, a line a fact: a key that is new once, a tab, the text.
facts() { # INCIDENTS-BEFORE
  tend status --json | jq -r "$jq_status"
  tend incidents --json | jq -r --argjson before "$1" "$jq_incidents"
}
# shellcheck disable=SC2016
jq_status='
  .services[] | .instances[] | . as $i | .metrics[]? | select(.out)
  | "warning \($i.name) \(.name)\t\($i.name): \(.name) is \(.text // .p), A = \(.a * 10 | round / 10)"'
# shellcheck disable=SC2016
jq_incidents='
  .incidents[] | select([.id] | inside($before) | not) | . as $i
  | (.alerts[]? | "alert \(.rule) \(.instance // .service)\t\(.summary)"),
    (.culprits[]? | "culprit \($i.id) \(.)\t\(.)"),
    (.steps[]? | select(.state != "begun") | "step \($i.id) \(.seq)\t\(.what): \(.state)"),
    (if .state != "open" then "end \(.id)\t\(.state)" else empty end)'

# Shows what happens, as it happens, until the new incident has ended.
watch() { # SINCE_MS INCIDENTS-BEFORE
  local since=$1 before=$2 key text color line ended
  local -A seen=()
  while :; do
    ended=
    while IFS=$'\t' read -r key text; do
      if [ -z "$key" ] || [ -n "${seen[$key]-}" ]; then continue; fi
      seen[$key]=1
      case $key in
      warning*) color=$yellow ;;
      end*recovered*) color=$green ;;
      alert*) color=$red ;;
      *) color=$bold ;;
      esac
      line=$(($(now_ms) - since))
      printf '  %s%3d.%01d s%s  %s%-8s%s %s\n' "$dim" $((line / 1000)) $((line % 1000 / 100)) "$plain" \
        "$color" "${key%% *}" "$plain" "$text"
      [[ $key == end* ]] && ended=$text
    done < <(facts "$before")
    if [ -n "$ended" ]; then
      printf '  %s%s after %d.%01d s%s\n' "$green" "$ended" $((line / 1000)) $((line % 1000 / 100)) "$plain"
      [ "$ended" = recovered ]
      return
    fi
    [ $(($(now_ms) - since)) -lt 60000 ] || return 1
    sleep 0.2
  done
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
  number=$((number + 1))
  local before since
  before=$(tend incidents --json | jq -c '[.incidents[].id]')
  say ""
  say "${bold}$number. $1$plain   ${dim}\$ shopctl $run hurt $2 $3 $4$plain"
  since=$(now_ms)
  shopctl hurt "$2" "$3" "$4" || exit 1
  watch "$since" "$before" || { tend incidents; tail -n 20 "$run/tend.log"; fail "not recovered"; }
}

install_and_build
begun=$(now_ms)
start_all
break_it "A stock instance crashes" stock $((base + 5)) crash
break_it "The ledger hangs: everything upstream of it is slow" ledger $((base + 4)) hang
break_it "One of two payments answers errors" payments $((base + 2)) errors
break_it "A stock instance leaks memory" stock $((base + 6)) leak

say ""
say "${bold}All of it$plain   ${dim}\$ tend incidents$plain"
tend incidents
say ""
say "${bold}The last one$plain   ${dim}\$ tend explain last$plain"
tend explain last
took=$(($(now_ms) - begun))
say ""
say "The demo took $((took / 1000)) s. Its logs are in $run."
