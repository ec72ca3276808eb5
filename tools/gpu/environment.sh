# shellcheck shell=bash
# Read by tools/gpu_check.sh: where the compilers and the programs find what they need.
# shellcheck disable=SC2154  # python and build are the script's

command -v nvcc >/dev/null || export PATH=/usr/local/cuda/bin:$PATH

# The bundle of tools/bundle_deps.sh, unpacked again only when it has changed: a header that looks new
# would have everything compiled again.
bundle=$PWD/$build/bundle
if compgen -G '.gpu/*.deb' >/dev/null; then
  if [[ ! $bundle/unpacked -nt .gpu ]]; then
    rm -rf "$bundle"
    mkdir -p "$bundle/python"
    for package in .gpu/*.deb; do dpkg -x "$package" "$bundle"; done
    for package in .gpu/*.whl; do "$python" -m zipfile -e "$package" "$bundle/python"; done
    touch "$bundle/unpacked"
  fi
  for folder in "$bundle"/usr/include/*-linux-gnu; do export CPATH=$folder; done # jpeglib.h's other part
  for folder in "$bundle"/usr/lib/*-linux-gnu; do
    export LD_LIBRARY_PATH=$folder${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
  done
  export CMAKE_PREFIX_PATH=$bundle/usr
fi

# cuDNN, cuBLASLt and NCCL may be the system's, which are taken first, or those that came with PyTorch:
# folders of the package `nvidia`, whose libraries lack the names that a linker looks for.
wheels=$PWD/$build/wheels
for folder in $("$python" -c 'import nvidia; print(*nvidia.__path__, sep="\n")' 2>/dev/null); do
  for part in "$folder"/cudnn "$folder"/nccl "$folder"/cu[0-9]*; do
    [[ -d $part/include && -d $part/lib ]] || continue
    mkdir -p "$wheels"
    for library in "$part"/lib/*.so.*; do
      ln -sf "$library" "$wheels/"
      library_name=${library##*/}
      ln -sf "$library" "$wheels/${library_name%%.so.*}.so"
    done
    export CMAKE_INCLUDE_PATH=$part/include${CMAKE_INCLUDE_PATH:+:$CMAKE_INCLUDE_PATH}
    export CMAKE_LIBRARY_PATH=$wheels
    export CPLUS_INCLUDE_PATH=${CPLUS_INCLUDE_PATH:+$CPLUS_INCLUDE_PATH:}$part/include
    export LD_LIBRARY_PATH=${LD_LIBRARY_PATH:+$LD_LIBRARY_PATH:}$wheels
  done
done
