# What is copied between processor and device for one explanation. Sourced by bench/gpu.sh.

slack=262144 # bytes of small arrays, scores and peaks

# number_in KEY FILE: the number behind "KEY" in one-line JSON.
number_in() { sed -n "s/.*\"$1\": \([0-9.e+-]*\).*/\1/p" "$2"; }

# bytes_in DIRECTION FILE
bytes_in() { sed -n "s/.*\"$1\": {\"copies\": [0-9]*, \"bytes\": \([0-9]*\)}.*/\1/p" "$2"; }

# counted N COMMAND...: runs COMMAND N under the library that counts; its sums are in copies-N then.
counted() {
  local n=$1
  shift
  rm -f "$work/copies-$n"
  CUDA_INJECTION64_PATH=$counter SESS_COPIES=$work/copies-$n "$@" "$n" >"$work/explained" || return
  [[ -s $work/copies-$n ]] || { echo "$counter wrote nothing"; return 1; }
  [[ $(number_in lost "$work/copies-$n") == 0 ]] || { echo 'records were lost'; return 1; }
}

# The difference of 2 and 12 explanations, which begin alike: COMMAND takes their number last, and prints photo_bytes and
# map_bytes. The photo goes up and the map comes down, and little else.
copies_counted() {
  local up down photo map
  counted 2 "$@" && counted 12 "$@" || return
  up=$((($(bytes_in host_to_device "$work/copies-12") - $(bytes_in host_to_device "$work/copies-2")) / 10))
  down=$((($(bytes_in device_to_host "$work/copies-12") - $(bytes_in device_to_host "$work/copies-2")) / 10))
  photo=$(number_in photo_bytes "$work/explained")
  map=$(number_in map_bytes "$work/explained")
  echo "$up bytes up, of a photo of $photo; $down bytes down, of a map of $map"
  is_number "$photo" && is_number "$map" &&
    ((up >= photo && up <= photo + slack && down >= map && down <= map + slack))
}

# With a profiler, of a whole process: its weights go up too. No more comes down than twice the finished map and slack.
copies_profiled() {
  nsys profile -o "$work/trace" node dist/cli/main.js explain docs/photos/both.jpg --device cuda -o "$work/map.npy" &&
    nsys stats -r cuda_gpu_mem_size_sum --format csv "$work/trace.nsys-rep" >"$work/copies.csv" || return 1
  local most
  most=$((2 * $(stat -c %s "$work/map.npy") + slack))
  awk -F, -v most="$most" '
    /^"?Total \(MB\)/ { inside = 1; next }
    inside && /Host-to-Device/ { up += 1e6 * $1 }
    inside && /Device-to-Host/ { down += 1e6 * $1 }
    END {
      printf "%d bytes up, %d down (most: %d)\n", up, down, most
      exit !(up > 0 && down > 0 && down <= most)
    }' "$work/copies.csv"
}
