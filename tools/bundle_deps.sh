#!/usr/bin/env bash
# Fetches the Debian packages that tools/gpu_check.sh builds with on a machine that has a GPU but no
# network: run this on any Debian, take the folder along with the sources.
# usage: tools/bundle_deps.sh        writes .gpu/*.deb
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

packages=(libdnnl-dev libdnnl2 ocl-icd-libopencl1 libfmt-dev libfmt9 nlohmann-json3-dev libcli11-dev libgtest-dev
  libgmock-dev libjpeg62-turbo-dev libjpeg62-turbo libpng-dev libpng16-16 zlib1g-dev zlib1g
  libxxhash-dev libxxhash0)
mkdir -p .gpu
cd .gpu
rm -f ./*.deb
apt-get download -qq "${packages[@]}"
du -ch ./*.deb | tail -1
