#!/bin/bash
# Installs the Debian packages that are missing: `tests/install.sh build` to build and run, `… test` for the tests as well.
# As root, or with sudo. Does nothing, and needs no network, when all are there.
set -eu
want=${1:-build}
case $want in build) kinds="build" ;; test) kinds="build test" ;; *) echo "usage: $0 build|test" >&2; exit 2 ;; esac

missing=()
while read -r kind package; do
  [[ " $kinds " == *" $kind "* ]] || continue
  [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || missing+=("$package")
done < <(grep -v '^#' "$(dirname "$0")/packages.txt")
[ ${#missing[@]} -gt 0 ] || exit 0

as_root=()
if [ "$(id -u)" -ne 0 ]; then
  command -v sudo >/dev/null || { echo "$0: missing: ${missing[*]}; run it as root" >&2; exit 1; }
  as_root=(sudo)
fi
echo "installing: ${missing[*]}"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
export DEBIAN_FRONTEND=noninteractive
install() { "${as_root[@]}" apt-get install -y -qq --no-install-recommends "${missing[@]}" >"$log" 2>&1; }
# A machine that has never asked knows no packages: the lists are fetched only when the first try fails.
install || { "${as_root[@]}" apt-get update -qq >"$log" 2>&1 && install; } || { cat "$log" >&2; exit 1; }
