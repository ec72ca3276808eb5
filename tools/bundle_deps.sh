#!/usr/bin/env bash
# Fetches what tools/gpu_check.sh builds with on a machine that has a GPU but no network: Debian
# packages of libraries, and the Python packages that the module is built and tested with.
#
# usage: tools/bundle_deps.sh        writes .gpu/*.deb and .gpu/*.whl; take the folder along
#
# Run it on Debian or Ubuntu, of a release that is no newer than that of the other machine: a library
# may ask for a newer C library than is there. Not fetched: compilers, CUDA, cuDNN, CMake, ninja,
# Python with its headers, PyTorch and NumPy. PYTHON names another Python that has pip.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
python=${PYTHON:-python3}

wanted=(libdnnl-dev libfmt-dev nlohmann-json3-dev libcli11-dev libgtest-dev libgmock-dev libjpeg-dev
  libpng-dev libwebp-dev libutf8proc-dev zlib1g-dev libxxhash-dev)
# Whoever can link a C++ program with OpenMP has these; another C library would break every program.
there=(libc6-dev libstdc++6 libgomp1)

# Names of libraries (libfmt9, libfmt10) differ between releases: apt says what it would install on a
# machine that has nothing.
needed() {
  apt-get -o Dir::State::status=/dev/null --simulate --no-install-recommends install "$@" |
    awk '/^(Inst|Conf) / {print $2}' | sort -u
}
needed_by_wanted=$(needed "${wanted[@]}")
needed_by_there=$(needed "${there[@]}")
mapfile -t packages < <(comm -23 <(echo "$needed_by_wanted") <(echo "$needed_by_there"))

rm -rf .gpu
mkdir .gpu
cd .gpu
apt-get download -qq "${packages[@]}"
# Without compiled parts and for the oldest Python that the package knows, so that they fit each one.
"$python" -m pip download --quiet --disable-pip-version-check --only-binary=:all: --platform any \
  --abi none --python-version 3.10 --dest . nanobind scikit-build-core pytest exceptiongroup tomli \
  typing_extensions
du -ch ./* | tail -1
