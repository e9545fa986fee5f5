#pragma once

#include <benchmark/benchmark.h>

#include <chrono>
#include <cmath>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/ops.h"
#include "cpu/backend.h"
#include "test/plain.h"

/**
 * Every benchmark declares the bytes that its op must at least read and write; `share_of_copy` is that rate divided by
 * what memcpy reaches over as many threads in this run. Small inputs stay in the caches and may exceed 1.
 */
namespace sess::bench {

/** SESS_THREADS (default: all) threads, kernels of SESS_SIMD (default: the best). */
Backend& backend();
int threads();
/** Bytes read and written a second by memcpy over `threads()` threads, from main memory. */
double copyRate();

inline const CancelFlag& never() {
  static const CancelFlag flag{false};
  return flag;
}

/** 0 to n - 1. */
inline std::vector<std::int32_t> upTo(std::int64_t n) {
  std::vector<std::int32_t> all;
  for (std::int32_t i = 0; i < n; ++i) all.push_back(i);
  return all;
}

/** Times `op` unless `wrong` says, after a first run, what is wrong with its result. */
template <class Op, class Wrong>
void run(benchmark::State& state, double bytes, const Op& op, const Wrong& wrong) {
  op();
  const std::string fault = wrong();
  if (!fault.empty()) {
    state.SkipWithError(fault.c_str());
    return;
  }
  const auto start = std::chrono::steady_clock::now();
  for (auto _ : state) op();
  const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;
  const double total = bytes * static_cast<double>(state.iterations());
  state.SetBytesProcessed(static_cast<std::int64_t>(total));
  state.counters["share_of_copy"] = total / elapsed.count() / copyRate();
}

inline std::string differs(double got, double expected, double tolerance) {
  if (std::fabs(got - expected) <= tolerance) return {};
  return "wrong result: " + std::to_string(got) + " for " + std::to_string(expected);
}

/** The paper's plan for a photo: 12 scales of a 224 window, step = window. */
struct Scene {
  Size photo, window{224, 224}, grid{7, 7};
  std::vector<Size> levels;
  std::vector<PlacedWindow> windows;
  explicit Scene(Size photo);
  [[nodiscard]] double pixels() const { return static_cast<double>(photo.height) * static_cast<double>(photo.width); }
};

/** 224 x 224, or 12 megapixels. */
const Scene& scene(std::int64_t which);
inline const char* nameOf(std::int64_t which) { return which == 0 ? "224x224" : "4000x3000"; }

}  // namespace sess::bench
