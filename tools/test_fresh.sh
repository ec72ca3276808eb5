#!/usr/bin/env bash
# Tries the project as a new user does: makes a bare system of a release in a folder, clones the
# current branch into it (committed work only), and runs the README's two commands there. Takes half
# an hour on two cores.
# usage: tools/test_fresh.sh [RELEASE [COMMAND]]
#   RELEASE    trixie (default), bookworm, sid, jammy, noble: Debian 13, 12, unstable, Ubuntu 22.04, 24.04
#   COMMAND    what to run there in the clone (default: tools/demo.sh, then tools/test.sh);
#              tools/test_packages.sh tries what users install, in ten minutes
#   FRESH_DIR  a folder for the system and its logs, which is kept and used again (default: a temporary
#              folder, of which the logs stay)
# Needs root and debootstrap. Exit code 1 if a command fails.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
release=${1:-trixie}
commands=("${2:-tools/demo.sh}")
[[ $# -ge 2 ]] || commands+=(tools/test.sh)

fail() {
  echo "test_fresh: $1" >&2
  exit "${2:-1}"
}
case $release in
  bookworm | trixie | sid) source=(http://deb.debian.org/debian) components=main ;;
  # A debootstrap older than a release of Ubuntu lacks its name only; the steps are those of gutsy.
  jammy | noble)
    source=(http://archive.ubuntu.com/ubuntu gutsy) components=main,universe,multiverse
    ;;
  *) fail "there is no release '$release' here; it is one of bookworm, trixie, sid, jammy, noble" 2 ;;
esac
[[ $EUID -eq 0 ]] || fail "run as root, which debootstrap and chroot need"
command -v debootstrap >/dev/null || fail "debootstrap is missing; apt-get install debootstrap"

# In a mount namespace of its own, so that what is mounted goes when this ends, however it does.
if [[ -z ${FRESH_UNSHARED:-} ]]; then
  if [[ -z ${FRESH_DIR:-} ]]; then
    FRESH_DIR=$(mktemp -d)
    trap 'rm -rf --one-file-system "${FRESH_DIR:?}/$release"' EXIT  # the logs stay
  fi
  mkdir -p "$FRESH_DIR"
  FRESH_DIR=$(realpath "$FRESH_DIR") FRESH_UNSHARED=1 unshare --mount "$0" "$@"
  exit
fi

system=$FRESH_DIR/$release
if [[ ! -e $system/etc/debian_version ]]; then
  echo "== $release: debootstrap"
  script=/usr/share/debootstrap/scripts
  debootstrap --variant=minbase --components="$components" "$release" "$system" "${source[0]}" \
    ${source[1]:+"$script/${source[1]}"} >"$FRESH_DIR/$release.debootstrap.log" 2>&1 ||
    fail "debootstrap failed: $(tail -n 1 "$FRESH_DIR/$release.debootstrap.log")"
fi
mount -t proc proc "$system/proc"
mount --rbind /dev "$system/dev"
# The network as this machine reaches it, and the authorities that this machine trusts.
cp -L /etc/resolv.conf /etc/hosts "$system/etc/"
mkdir -p "$system/etc/ssl/certs"
[[ ! -e /etc/ssl/certs/ca-certificates.crt ]] ||
  cp -L /etc/ssl/certs/ca-certificates.crt "$system/etc/ssl/certs/"
# Unstable's index may be older here than it allows.
[[ $release != sid ]] ||
  echo 'Acquire::Check-Valid-Until "false";' >"$system/etc/apt/apt.conf.d/99valid"

rm -rf "$system/root/bptplr"
git clone --quiet --no-hardlinks . "$system/root/bptplr"
echo "== $release: $(sed -n 's/^PRETTY_NAME=//p' "$system/etc/os-release"), commit $(git rev-parse --short HEAD)"

for command in "${commands[@]}"; do
  name=${command%% *}
  log=$FRESH_DIR/$release.$(basename "$name" .sh).log
  echo "== $release: $command"
  start=$SECONDS
  code=0
  env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 \
    PIP_CERT=/etc/ssl/certs/ca-certificates.crt ${http_proxy:+http_proxy="$http_proxy"} \
    ${https_proxy:+https_proxy="$https_proxy"} \
    chroot "$system" bash -c "cd /root/bptplr && $command" >"$log" 2>&1 || code=$?
  tail -n 12 "$log"
  echo "== $release: $command took $((SECONDS - start)) s, exit code $code"
  ((code == 0)) || fail "$command failed on $release; its output is in $log"
done
