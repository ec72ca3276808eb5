#!/usr/bin/env bash
# Kills commands at random moments, lets each go on until it ends, and counts those that are lost or
# end with other bits.
# usage: tools/kills.sh [COUNT [OPTIONS]]      COUNT: how many are killed (1000); OPTIONS of
#                                              tests/faults/run_faults.py, such as --seed 2
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
exec tools/faults.sh 0 --kills "${1:-1000}" "${@:2}"
