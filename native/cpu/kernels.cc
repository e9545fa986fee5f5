#include "cpu/kernels.h"

#include <cassert>
#include <cmath>
#include <cstring>

#include "core/cam.h"

// Everything that a kernel calls is included above, outside the target pragmas: a standard inline function compiled
// with wider instructions could be the copy the linker keeps for all of the program. Inside there is only static code.

#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wpsabi"
#endif

#if defined(__x86_64__) && (defined(__GNUC__) || defined(__clang__))
#define SESS_X86 1
#include <immintrin.h>
#endif

namespace sess::cpu::baseline {
#define SESS_VECTOR_BYTES 16
#include "cpu/kernels/all.inl"
#undef SESS_VECTOR_BYTES
}  // namespace sess::cpu::baseline

#if SESS_X86

#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx2")
#endif
namespace sess::cpu::avx2 {
#define SESS_VECTOR_BYTES 32
#define SESS_HAS_PERMUTE 1
#include "cpu/kernels/all.inl"
#undef SESS_VECTOR_BYTES
}  // namespace sess::cpu::avx2
#if defined(__clang__)
#pragma clang attribute pop
#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx2"))), apply_to = function)
#else
#pragma GCC pop_options
#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512dq,avx512vl,avx2")
#endif
namespace sess::cpu::avx512 {
#define SESS_VECTOR_BYTES 64
#include "cpu/kernels/all.inl"
#undef SESS_VECTOR_BYTES
#undef SESS_HAS_PERMUTE
}  // namespace sess::cpu::avx512
#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif

#endif  // SESS_X86

namespace sess::cpu {

std::vector<Simd> simdVariants() {
  std::vector<Simd> variants{Simd::baseline};
#if SESS_X86
  if (__builtin_cpu_supports("avx2")) variants.push_back(Simd::avx2);
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl")) {
    variants.push_back(Simd::avx512);
  }
#endif
  return variants;
}

const Kernels& kernelsOf(Simd simd) {
#if SESS_X86
  if (simd == Simd::avx2) return avx2::table;
  if (simd == Simd::avx512) return avx512::table;
#endif
  assert(simd == Simd::baseline);
  return baseline::table;
}

}  // namespace sess::cpu
