#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <thread>

#include "bench.h"

namespace sess::bench {

int threads() {
  const char* wanted = std::getenv("SESS_THREADS");
  const int all = static_cast<int>(std::thread::hardware_concurrency());
  return std::max(1, wanted != nullptr ? std::atoi(wanted) : all);
}

cpu::Simd simd() {
  const char* wanted = std::getenv("SESS_SIMD");
  if (wanted == nullptr) return cpu::simdVariants().back();
  if (std::strcmp(wanted, "avx512") == 0) return cpu::Simd::avx512;
  return std::strcmp(wanted, "avx2") == 0 ? cpu::Simd::avx2 : cpu::Simd::baseline;
}

Backend& backend() {
  static const auto made = cpu::makeBackend(threads(), simd());
  return *made;
}

double copyRate() {
  static const double rate = [] {
    constexpr std::size_t kBytes = std::size_t{64} << 20;  // of each thread, beyond any cache
    const auto n = static_cast<std::size_t>(threads());
    std::vector<std::vector<char>> from(n, std::vector<char>(kBytes, 1)), to(n, std::vector<char>(kBytes));
    double best = 1e9;
    for (int round = 0; round < 7; ++round) {
      const auto start = std::chrono::steady_clock::now();
      std::vector<std::thread> copies;
      for (std::size_t t = 1; t < n; ++t) {
        copies.emplace_back([&, t] { std::memcpy(to[t].data(), from[t].data(), kBytes); });
      }
      std::memcpy(to[0].data(), from[0].data(), kBytes);
      for (auto& copy : copies) copy.join();
      best = std::min(best, std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
      benchmark::DoNotOptimize(to[0].data());
    }
    return 2.0 * static_cast<double>(kBytes * n) / best;
  }();
  return rate;
}

Scene::Scene(Size size) : photo(size) {
  for (int i = 0; i < 12; ++i) {
    const std::int64_t s = 224 + 64 * i, shorter = std::min(photo.height, photo.width);
    levels.push_back({s * photo.height / shorter, s * photo.width / shorter});
  }
  for (std::size_t l = 0; l < levels.size(); ++l) {
    for (std::int64_t y = 0;; y += window.height) {
      const std::int64_t top = std::min(y, levels[l].height - window.height);
      for (std::int64_t x = 0;; x += window.width) {
        const std::int64_t left = std::min(x, levels[l].width - window.width);
        windows.push_back({static_cast<std::int32_t>(windows.size()), static_cast<std::int32_t>(l),
                           static_cast<std::int32_t>(top), static_cast<std::int32_t>(left)});
        if (x + window.width >= levels[l].width) break;
      }
      if (y + window.height >= levels[l].height) break;
    }
  }
}

const Scene& scene(std::int64_t which) {
  static const Scene small({224, 224}), large({3000, 4000});
  return which == 0 ? small : large;
}

}  // namespace sess::bench

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  const auto variant = static_cast<std::size_t>(sess::bench::simd());
  const char* const names[] = {"baseline", "avx2", "avx512"};
  benchmark::AddCustomContext("threads", std::to_string(sess::bench::threads()));
  benchmark::AddCustomContext("simd", names[variant]);
  benchmark::AddCustomContext("memcpy_GB_per_s", std::to_string(sess::bench::copyRate() / 1e9));
  benchmark::ConsoleReporter table(benchmark::ConsoleReporter::OO_Tabular);
  benchmark::RunSpecifiedBenchmarks(&table);
  benchmark::Shutdown();
  return 0;
}
