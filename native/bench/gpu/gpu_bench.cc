// The ops of one explanation on CUDA device 0: time, and the bytes that must move as a share of what a copy within the
// device's memory reaches. Prints JSON, one object; exits with 77 and the reason where there is no device.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "cuda/device.h"
#include "test/plain.h"

namespace sess::bench {
namespace {

using cuda::DeviceMemory;
using test::Random;

const CancelFlag never{false};

/** An array on the device. */
template <class T>
class Array {
 public:
  explicit Array(std::int64_t n) : bytes_(static_cast<std::size_t>(n) * sizeof(T)), memory_(bytes_) {}
  explicit Array(const std::vector<T>& values) : Array(static_cast<std::int64_t>(values.size())) {
    memory_.write(values.data(), bytes_);
  }
  [[nodiscard]] T* data() const { return static_cast<T*>(memory_.get()); }
  [[nodiscard]] double bytes() const { return static_cast<double>(bytes_); }

 private:
  std::size_t bytes_;
  DeviceMemory memory_;
};

/** Windows of 224 at twelve scales, as many as `step` gives. */
struct Plan {
  Size photo, window{224, 224};
  std::vector<Size> levels;
  std::vector<PlacedWindow> windows;

  Plan(Size size, std::int64_t step) : photo(size) {
    for (std::int64_t i = 0; i < 12; ++i) {
      const std::int64_t s = 224 + 64 * i, shorter = std::min(photo.height, photo.width);
      levels.push_back({s * photo.height / shorter, s * photo.width / shorter});
    }
    for (std::size_t l = 0; l < levels.size(); ++l) {
      for (const std::int64_t y : places(levels[l].height, step)) {
        for (const std::int64_t x : places(levels[l].width, step)) {
          windows.push_back({static_cast<std::int32_t>(windows.size()), static_cast<std::int32_t>(l),
                             static_cast<std::int32_t>(y), static_cast<std::int32_t>(x)});
        }
      }
    }
  }

 private:
  [[nodiscard]] static std::vector<std::int64_t> places(std::int64_t length, std::int64_t step) {
    std::vector<std::int64_t> all;
    for (std::int64_t at = 0;; at += step) {
      all.push_back(std::min(at, length - 224));
      if (at + 224 >= length) return all;
    }
  }
};

class Report {
 public:
  Report(cuda::StreamBackend& backend, double copyRate) : backend_(backend), copyRate_(copyRate) {}

  /** Times `op`, which must read and write `bytes`, over at least a fifth of a second. */
  void time(const std::string& name, double bytes, const std::function<void()>& op) {
    run(op, 1);
    int rounds = 1;
    double seconds = run(op, rounds);
    while (seconds < 0.2 && rounds < 100'000) {
      rounds *= 2;
      seconds = run(op, rounds);
    }
    const double rate = bytes * rounds / seconds;
    rows_ += std::string(rows_.empty() ? "" : ",\n") + "    {\"op\": \"" + name +
             "\", \"ms\": " + std::to_string(1e3 * seconds / rounds) +
             ", \"megabytes\": " + std::to_string(bytes / 1e6) + ", \"GB_per_s\": " + std::to_string(rate / 1e9) +
             ", \"share_of_copy\": " + std::to_string(rate / copyRate_) + "}";
  }
  [[nodiscard]] const std::string& rows() const { return rows_; }

 private:
  double run(const std::function<void()>& op, int rounds) {
    const auto start = std::chrono::steady_clock::now();
    for (int i = 0; i < rounds; ++i) op();
    backend_.fence()->wait();
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  }

  cuda::StreamBackend& backend_;
  double copyRate_;
  std::string rows_;
};

PyramidArgs resizeOf(const Plan& plan, const Array<std::uint8_t>& photo, Size level) {
  constexpr float kScale = 1.0F / 255.0F;
  return {photo.data(),
          plan.photo,
          level,
          {0, 0, level.height, level.width},
          Filter::antialias,
          {0, 1, 2},
          {kScale, kScale, kScale},
          {0.0F, 0.0F, 0.0F},
          nullptr};
}

/** Every level, and every window of it cut out into batches; the levels between are no bytes that must move. */
void cutWindows(Report& report, cuda::StreamBackend& backend) {
  const Plan plan({3000, 4000}, 44);
  constexpr std::int64_t kBatch = 64, kEach = 3 * 224 * 224;
  const Array<std::uint8_t> photo(Random(1).bytes(plan.photo.height * plan.photo.width * 3));
  const Size largest = plan.levels.back();
  const Array<float> band(3 * largest.height * largest.width), batch(kBatch * kEach);
  const auto windows = static_cast<double>(plan.windows.size());
  const std::string what = std::to_string(plan.windows.size()) + " windows of 12 megapixels";
  report.time("pyramid and gather, " + what, photo.bytes() + 4.0 * windows * kEach, [&] {
    for (std::size_t l = 0, k = 0; l < plan.levels.size(); ++l) {
      PyramidArgs resize = resizeOf(plan, photo, plan.levels[l]);
      resize.out = band.data();
      backend.pyramid(resize, never);
      while (k < plan.windows.size() && plan.windows[k].level == static_cast<std::int32_t>(l)) {
        std::vector<std::int32_t> origins;
        for (; k < plan.windows.size() && plan.windows[k].level == static_cast<std::int32_t>(l) &&
               origins.size() < 2 * kBatch;
             ++k) {
          origins.insert(origins.end(), {plan.windows[k].y, plan.windows[k].x});
        }
        backend.gather({band.data(), plan.levels[l], plan.window, origins, Layout::nchw, batch.data()}, never);
      }
    }
  });
  PyramidArgs resize = resizeOf(plan, photo, largest);
  resize.out = band.data();
  report.time("pyramid, 12 megapixels to 1237 x 928", photo.bytes() + band.bytes(),
              [&] { backend.pyramid(resize, never); });
  std::vector<std::int32_t> origins;
  for (std::int32_t i = 0; i < kBatch; ++i) origins.insert(origins.end(), {i * 11, i * 15});
  report.time("gather, 64 windows", 2.0 * batch.bytes(), [&] {
    backend.gather({band.data(), largest, plan.window, origins, Layout::nchw, batch.data()}, never);
  });
  const Array<float> maps(kBatch * 224 * 224), peaks(kBatch);
  std::vector<std::int32_t> rows;
  for (std::int32_t i = 0; i < kBatch; ++i) rows.push_back(i);
  report.time("grey, 64 windows", batch.bytes() + maps.bytes(), [&] {
    backend.grey({batch.data(), 3, plan.window, Layout::nchw, rows, maps.data(), peaks.data()}, never);
  });
}

void reduce(Report& report, cuda::StreamBackend& backend) {
  constexpr std::int64_t kRows = 122, kChannels = 2048, kGrid = 49, kClasses = 1000;
  const Array<float> activations(Random(2).floats(kRows * kChannels * kGrid)),
      weights(Random(3).floats(kRows * kChannels));
  const Array<float> maps(kRows * kGrid), peaks(kRows), logits(Random(4).floats(kRows * kClasses));
  const Array<double> scores(kRows * 2);
  std::vector<std::int32_t> rows;
  for (std::int32_t i = 0; i < kRows; ++i) rows.push_back(i);
  report.time("camReduce, 122 x 2048 x 7 x 7", activations.bytes() + weights.bytes(), [&] {
    backend.camReduce({activations.data(), weights.data(), kChannels, {7, 7}, rows, true, maps.data(), peaks.data()},
                      never);
  });
  const std::vector<std::int32_t> targets{282};
  report.time("score, 122 x 1000", logits.bytes() + scores.bytes(), [&] {
    backend.score({logits.data(), kClasses, targets, Activation::softmax, rows, scores.data()}, never);
  });
}

/** The weighted average of a plan's windows, 7 x 7 maps. */
FuseArgs fusionOf(const Plan& plan, const Array<float>& maps, std::span<const float> weights,
                  const Array<float>& fused) {
  return {maps.data(),  {7, 7}, plan.window, plan.levels, plan.windows, weights,
          Fusion::mean, 0.0F,   true,        plan.photo,  fused.data()};
}

/** Pixels of the photo under each window, added up: what a fusion has to look at. */
double windowPixels(const Plan& plan) {
  double sum = 0.0;
  for (const PlacedWindow& window : plan.windows) {
    const Size level = plan.levels[static_cast<std::size_t>(window.level)];
    sum += static_cast<double>(plan.window.height * plan.photo.height) / static_cast<double>(level.height) *
           static_cast<double>(plan.window.width * plan.photo.width) / static_cast<double>(level.width);
  }
  return sum;
}

void fuse(Report& report, cuda::StreamBackend& backend, Size size, std::int64_t step) {
  const Plan plan(size, step);
  const auto n = static_cast<std::int64_t>(plan.windows.size());
  const Array<float> maps(Random(5).rectified(n * 49));
  const std::vector<float> weights = Random(6).floats(n, 0.01, 1.0);
  const Array<float> fused(size.height * size.width), smoothed(size.height * size.width);
  const std::string what = std::to_string(size.width) + " x " + std::to_string(size.height);
  const std::string pixels = std::to_string(static_cast<std::int64_t>(windowPixels(plan) / 1e6)) + " M window-pixels";
  report.time("fuse, " + std::to_string(n) + " windows into " + what + ", " + pixels, maps.bytes() + fused.bytes(),
              [&] { backend.fuse(fusionOf(plan, maps, weights, fused), never); });
  report.time("smooth, " + what, 2.0 * fused.bytes(), [&] {
    backend.smooth({fused.data(), size, 11, 5.0, smoothed.data()}, never);
  });
}

/** Bytes of device memory that were free after the first and after the last of many chains of ops. */
std::string memoryOverRuns(cuda::StreamBackend& backend) {
  constexpr int kRuns = 200;
  const Plan plan({480, 640}, 224);
  const auto n = static_cast<std::int64_t>(plan.windows.size());
  const std::vector<float> weights(plan.windows.size(), 0.5F);
  std::size_t first = 0, last = 0;
  for (int i = 0; i < kRuns; ++i) {
    const Array<float> maps(Random(7).rectified(n * 49)), fused(480 * 640), smoothed(480 * 640);
    backend.fuse(fusionOf(plan, maps, weights, fused), never);
    backend.smooth({fused.data(), plan.photo, 11, 5.0, smoothed.data()}, never);
    backend.fence()->wait();
    (i == 0 ? first : last) = cuda::freeMemory();
  }
  return "{\"runs\": " + std::to_string(kRuns) + ", \"free_after_first\": " + std::to_string(first) +
         ", \"free_after_last\": " + std::to_string(last) + "}";
}

int run() {
  const cuda::Presence presence = cuda::probe();
  if (!presence.reason.empty()) {
    std::fprintf(stderr, "%s\n", presence.reason.c_str());
    return 77;
  }
  const cuda::DeviceInfo& device = presence.devices.front();
  const auto backend = cuda::makeBackend(0);
  const double copyRate = cuda::measuredCopyRate();
  Report report(*backend, copyRate);
  cutWindows(report, *backend);
  reduce(report, *backend);
  fuse(report, *backend, {3000, 4000}, 224);
  fuse(report, *backend, {4000, 6000}, 44);
  std::printf(
      "{\n  \"device\": \"%s\", \"architecture\": \"%s\", \"driver_cuda\": \"%s\", \"runtime_cuda\": \"%s\",\n"
      "  \"copy_GB_per_s\": %.1f,\n  \"memory\": %s,\n  \"ops\": [\n%s\n  ]\n}\n",
      device.name.c_str(), device.architecture.c_str(), presence.driver.c_str(), presence.runtime.c_str(),
      copyRate / 1e9, memoryOverRuns(*backend).c_str(), report.rows().c_str());
  return 0;
}

}  // namespace
}  // namespace sess::bench

int main() {
  try {
    return sess::bench::run();
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
