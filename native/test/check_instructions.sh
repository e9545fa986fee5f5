#!/bin/sh
# Wide instructions belong to the kernels compiled for them: one in common code would stop an older processor.
# usage: check_instructions.sh libsess_cpu.a
set -eu
objdump -d --no-show-raw-insn -C "$1" | awk '
  /^[0-9a-f]+ <.*>:$/ { f = $0; sub(/^[0-9a-f]+ </, "", f); sub(/>:$/, "", f) }
  /%ymm/ { ymm[f]++ }
  /%zmm|%k[0-7]/ { zmm[f]++ }
  $2 ~ /^v[a-z]/ && /%[xyz]mm/ { vex[f]++ }
  END {
    for (f in vex) if (f !~ /sess::cpu::avx(2|512)::/) { print "AVX in common code: " f; bad = 1 }
    for (f in zmm) if (f !~ /sess::cpu::avx512::/) { print "AVX-512 outside its kernels: " f; bad = 1 }
    for (f in ymm) if (f ~ /sess::cpu::avx2::/) wide2++
    for (f in zmm) if (f ~ /sess::cpu::avx512::/) wide512++
    print wide2 + 0 " kernels use ymm under avx2, " wide512 + 0 " use zmm under avx512"
    if (wide2 < 12 || wide512 < 12) bad = 1
    exit bad
  }'
