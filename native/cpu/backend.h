#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "core/ops.h"

namespace sess::cpu {

enum class Simd { baseline, avx2, avx512 };

/** Kernel variants this processor runs, best last. */
std::vector<Simd> simdVariants();

/** The ops over `threads` threads (the caller's and threads - 1 of an own pool), safe for several callers at once. */
std::unique_ptr<Backend> makeBackend(int threads, Simd simd);

}  // namespace sess::cpu
