#!/usr/bin/env bash
# Installs the Debian packages that building, testing and the demo need, where they are missing.
# usage: tools/setup.sh [--check]      --check: only say what is missing (exit code 1 if any is)
set -euo pipefail

packages=(
  g++ cmake ninja-build python3        # the build
  libdnnl-dev libfmt-dev               # convolutions and matrix products; text
  nlohmann-json3-dev libcli11-dev      # JSON; the command line
  libgtest-dev                         # tests
  libboost-context-dev libthrust-dev   # CUDA kernels tested without a GPU
  libopenmpi-dev openmpi-bin           # training by several processes; the build does without, too
  libjpeg-dev libpng-dev libwebp-dev   # image files
  libonnx-dev libprotobuf-dev          # bptplr export; the build does without, too
  libutf8proc-dev                      # names of classes in one form
  zlib1g-dev libxxhash-dev             # checksums
  python3-dev python3-venv             # the Python package
)

if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
  echo "setup: this script knows Debian and its kin only; install the equivalents of:" >&2
  echo "  ${packages[*]}" >&2
  exit 1
fi

missing=()
for package in "${packages[@]}"; do
  status=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)
  [[ $status == installed ]] || missing+=("$package")
done
if [[ ${#missing[@]} -eq 0 ]]; then
  echo "setup: all packages are installed"
  exit 0
fi
echo "setup: missing: ${missing[*]}"
[[ ${1:-} == --check ]] && exit 1

as_root=()
if [[ $EUID -ne 0 ]]; then
  if ! command -v sudo >/dev/null; then
    echo "setup: run as root: apt-get install ${missing[*]}" >&2
    exit 1
  fi
  as_root=(sudo)
fi
"${as_root[@]}" apt-get update -qq
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
  apt-get install -y -qq --no-install-recommends "${missing[@]}"
echo "setup: installed ${missing[*]}"
