#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <cstring>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "core/ops.h"
#include "cpu/backend.h"
#include "test/backends.h"
#include "test/plain.h"

namespace sess::test {

/** An output buffer between sentinels, filled with a pattern that no op writes. */
template <class T>
class Guarded {
 public:
  explicit Guarded(std::int64_t n) : n_(n), all_(static_cast<std::size_t>(n) + 2 * kGuard) {
    std::memset(all_.data(), kPattern, all_.size() * sizeof(T));
  }
  T* data() { return all_.data() + kGuard; }
  [[nodiscard]] const T* data() const { return all_.data() + kGuard; }
  T operator[](std::int64_t i) const { return all_[static_cast<std::size_t>(i) + kGuard]; }
  [[nodiscard]] std::int64_t size() const { return n_; }
  [[nodiscard]] std::vector<T> values() const { return {data(), data() + n_}; }
  [[nodiscard]] bool intact() const { return patterned(0) && patterned(all_.size() - kGuard); }
  [[nodiscard]] bool sameBits(const Guarded& other) const {
    return n_ == other.n_ && std::memcmp(all_.data(), other.all_.data(), all_.size() * sizeof(T)) == 0;
  }

 private:
  static constexpr std::size_t kGuard = 64;
  static constexpr unsigned char kPattern = 0xA5;
  [[nodiscard]] bool patterned(std::size_t at) const {
    const auto* bytes = reinterpret_cast<const unsigned char*>(all_.data() + at);
    for (std::size_t i = 0; i < kGuard * sizeof(T); ++i) {
      if (bytes[i] != kPattern) return false;
    }
    return true;
  }
  std::int64_t n_;
  std::vector<T> all_;
};

inline std::string nameOf(cpu::Simd simd) {
  return simd == cpu::Simd::baseline ? "baseline" : simd == cpu::Simd::avx2 ? "avx2" : "avx512";
}

/** The largest difference; NaN differs from all but NaN, or, where sums may have another order, from what is finite. */
template <class T>
double farthest(const Guarded<T>& a, const Guarded<T>& b, bool anyOrder) {
  double worst = 0.0;
  for (std::int64_t i = 0; i < a.size(); ++i) {
    const auto x = static_cast<double>(a[i]), y = static_cast<double>(b[i]);
    if (x == y || (x != x && y != y) || (anyOrder && !std::isfinite(x) && !std::isfinite(y))) continue;
    const double d = x < y ? y - x : x - y;
    worst = d > worst ? d : d == d ? worst : std::numeric_limits<double>::infinity();
  }
  return worst;
}

/**
 * Runs an op on every instruction set and on 1, 2 and 5 threads into a fresh output each; checks the sentinels and that
 * all outputs are the same bits, and returns one. The CUDA kernels, on the host and on a device, may be `within`
 * of it.
 */
template <class T>
Guarded<T> onEveryBackend(std::int64_t n, const std::function<void(Backend&, Guarded<T>&)>& op, double within = 0.0) {
  static const auto backends = [] {
    std::vector<std::pair<std::string, std::unique_ptr<Backend>>> all;
    for (const auto simd : cpu::simdVariants()) {
      for (const int threads : {1, 2, 5}) {
        all.emplace_back(nameOf(simd) + " on " + std::to_string(threads), cpu::makeBackend(threads, simd));
      }
    }
    return all;
  }();
  Guarded<T> first(n);
  op(*backends[0].second, first);
  EXPECT_TRUE(first.intact()) << backends[0].first << " wrote outside its output";
  for (std::size_t k = 1; k < backends.size(); ++k) {
    Guarded<T> out(n);
    op(*backends[k].second, out);
    EXPECT_TRUE(out.intact()) << backends[k].first << " wrote outside its output";
    EXPECT_TRUE(out.sameBits(first)) << backends[k].first << " differs from " << backends[0].first;
  }
  static const std::vector<NamedBackend> others = cudaBackends();
  for (const auto& [name, backend] : others) {
    Guarded<T> out(n);
    op(*backend, out);
    EXPECT_TRUE(out.intact()) << name << " wrote outside its output";
    EXPECT_LE(farthest(out, first, within > 0.0), within) << name << " differs from " << backends[0].first;
  }
  return first;
}

inline const CancelFlag& never() {
  static const CancelFlag flag{false};
  return flag;
}

}  // namespace sess::test
