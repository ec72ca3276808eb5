#!/usr/bin/env bash
# Builds the documentation as a site, build/site, with MkDocs from PyPI in an environment outside of
# the tree. A link that leads nowhere fails. Where PyPI cannot be reached, it says so and builds
# nothing.
# usage: tools/site.sh [--serve]      --serve: shows it at http://127.0.0.1:8000 afterwards
#        PYTHON=python3.12 names another Python (default /usr/bin/python3)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
python=${PYTHON:-/usr/bin/python3}

environment=$(mktemp -d)
trap 'rm -rf "$environment"' EXIT
"$python" -m venv "$environment"
if ! "$environment/bin/pip" install --quiet --disable-pip-version-check --retries 2 --timeout 10 \
  --requirement tools/site/requirements.txt 2>"$environment/pip.log"; then
  if grep -qE 'after connection broken|Could not fetch URL' "$environment/pip.log"; then
    echo "== site: skipped: PyPI cannot be reached"
    exit 0
  fi
  cat "$environment/pip.log" >&2
  exit 1
fi

"$environment/bin/python" tools/site/pages.py build/site_pages
export PYTHONPATH=tools/site PYTHONDONTWRITEBYTECODE=1
export NO_MKDOCS_2_WARNING=1  # requirements.txt stays below version 2
"$environment/bin/mkdocs" build --strict --clean --config-file tools/site/mkdocs.yml \
  >"$environment/build.log" 2>&1 || { grep -v '^INFO' "$environment/build.log" >&2; exit 1; }
echo "== site: build/site/index.html"
if [[ ${1:-} == --serve ]]; then
  "$environment/bin/python" -m http.server --bind 127.0.0.1 --directory build/site 8000
fi
