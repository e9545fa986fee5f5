# The table's rows, and all results as one JSON object. Sourced by bench/gpu.sh.

finish() {
  [[ -n $fault ]] || echo "$results"
  ! has pkill || pkill -P $$ # a step under way
  rm -rf "$work"
}

# note STEP RESULT DETAIL: a row of the table.
note() {
  local detail=${3//[$'\t\r\n']/ }
  printf '%-52s %-8s %s\n' "$1" "$2" "$detail"
  printf '%s\t%s\t%s\n' "$1" "$2" "$detail" >>"$work/steps"
  [[ $2 != FAILED ]] || failed=1
  [[ -n $fault ]] || write_results # after each row: the script may be stopped
}

# step NAME COMMAND...: runs it; the last line of its output is the detail. Fails as the command does.
step() {
  local name=$1
  shift
  if ("$@") >"$work/out" 2>&1; then
    note "$name" ok "$(tail -n 1 "$work/out")"
  else
    note "$name" FAILED "$(tail -n 1 "$work/out")"
    tail -n 40 "$work/out" >&2
    return 1
  fi
}

# Keeps FILE.json only where the command that writes it succeeds: kept FILE COMMAND...
kept() {
  local file=$1
  shift
  "$@" >"$file.part" && [[ -s $file.part ]] && mv "$file.part" "$file"
}

# Name, driver, memory and highest clock, as the driver tells them.
card() {
  ! has nvidia-smi ||
    nvidia-smi --query-gpu=name,driver_version,memory.total,clocks.max.sm --format=csv,noheader | head -n 1 | tr -d '"\\'
}

# The steps, the native benchmark and the end-to-end rows as one JSON object.
write_results() {
  or_null() { if [[ -s $1 ]]; then cat "$1"; else printf null; fi; }
  mkdir -p "$(dirname "$results")"
  {
    printf '{\n"date": "%s",\n"version": "%s",\n"commit": "%s",\n"card": "%s",\n"steps": [\n' "$(date -u +%FT%TZ)" \
      "$(sed -n 's/^  "version": "\(.*\)".*/\1/p' package.json 2>/dev/null)" "$(git rev-parse HEAD 2>/dev/null)" "$(card)"
    tr -d '\000-\010\013-\037' <"$work/steps" | sed 's/\\/\\\\/g; s/"/\\"/g' |
      awk -F'\t' '{ printf "%s{\"step\": \"%s\", \"result\": \"%s\", \"detail\": \"%s\"}", (NR > 1 ? ",\n" : ""), $1, $2, $3 }'
    printf '\n],\n"native": '
    or_null "$work/bench.json"
    for what in model_fp32 model_tf32 explain_fp32 explain_tf32 explain_fp16; do
      printf ',\n"%s": ' "$what"
      or_null "$work/${what/_/-}.json"
    done
    printf ',\n"native_end_to_end": ['
    local separator= json
    for json in "$work"/explained-*.json; do
      [[ -s $json ]] || continue
      printf '%s\n%s' "$separator" "$(cat "$json")"
      separator=,
    done
    printf ']\n}\n'
  } >"$work/results" && mv "$work/results" "$results"
}
