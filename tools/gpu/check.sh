# shellcheck shell=bash
# Read by tools/gpu_check.sh: runs checks within their limits and remembers in $state/SECTION how they
# ended, so that a later call goes on after them.
# shellcheck disable=SC2154  # state, only, limit and total are the script's

begin() { # SECTION: says whether anything of it is left to run
  folder=$state/$1
  unfinished=0
  if [[ $1 == build ]]; then # runs in every call; with nothing to do it takes a second
    rm -f "$folder"/{done,checks.jsonl}
  elif [[ -e $folder/done && -n $only ]]; then
    rm -rf "$folder"
  elif [[ -e $folder/done ]]; then
    echo "an earlier call has run it; --only $1 runs it again"
    return 1
  fi
  mkdir -p "$folder"
}

end() { # of the section that was begun
  ((unfinished)) || touch "$folder/done"
}

outcome_of() { # NAME: true, false or null, or nothing
  [[ ! -e $folder/checks.jsonl ]] ||
    sed -n "s/^{\"check\": \"$1\", \"ok\": \([a-z]*\),.*/\1/p" "$folder/checks.jsonl" | tail -n 1
}

# Code 0: it passed; 1: it failed; 3: there was no time for it, or not enough.
check() { # NAME COMMAND...: its output goes into NAME.log
  local name=$1 start=$SECONDS seconds=$limit code=0 ok=null
  case $(outcome_of "$name") in
  true) echo "$name: ok in an earlier call" && return 0 ;;
  false) echo "$name: FAILED in an earlier call" && return 1 ;;
  esac
  ((total - SECONDS > limit)) || seconds=$((total - SECONDS))
  if ((seconds > 0)); then
    timeout --kill-after=10 "$seconds" "${@:2}" >>"$folder/$name.log" 2>&1 || code=$?
  else
    code=124
  fi
  if ((code == 0)); then
    ok=true
    echo "$name: ok ($((SECONDS - start)) s)"
  elif ((code == 124 || code == 137)) && ((SECONDS - start >= seconds && seconds < limit)); then
    unfinished=1
    echo "$name: out of time"
  else
    ok=false
    ((code != 124)) || echo "stopped at its limit of $seconds s" >>"$folder/$name.log"
    echo "$name: FAILED with code $code, the end of $folder/$name.log:"
    tail -n 25 "$folder/$name.log"
  fi
  printf '{"check": "%s", "ok": %s, "seconds": %d, "at": "%s"}\n' "$name" "$ok" $((SECONDS - start)) \
    "$(date -u +%FT%TZ)" >>"$folder/checks.jsonl"
  case $ok in true) return 0 ;; false) return 1 ;; null) return 3 ;; esac
}

bench() { # NAME COMMAND...: what it prints are measurements, JSON lines for the report
  # shellcheck disable=SC2016  # that shell expands them
  check "$1" bash -c 'exec "${@:2}" >"$1"' bench "$folder/$1.jsonl" "${@:2}"
}

train() { # NAME FLAG...: bptplr train; goes on with a run that was out of time
  local run=$folder/run_$1 code=0
  check "$1" "$build/bptplr" train --resume "${@:2}" --out "$run" || code=$?
  [[ ! -s $run/metrics.jsonl ]] || cp "$run/metrics.jsonl" "$folder/$1.jsonl"
  return "$code"
}

picture() { # NAME LABEL=RUN...: curves as NAME.png
  "$python" tools/plot_runs.py "$folder/$1.png" "${@:2}" 2>/dev/null ||
    echo "no picture of the curves, which takes matplotlib"
}
