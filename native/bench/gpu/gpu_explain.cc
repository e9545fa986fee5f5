// One explanation from the photo to the map, natively: a case that bench/gpu/cases.mjs wrote, on the processor and on
// CUDA device 0, compared with the map that the library made of it, and timed beside the bare model. Needs no Node.
//   gpu_explain LIBRARY FILE.case [--device cuda|cpu] [--precision fp32|tf32] [--batch N] [--threads N]
//               [--trials 9] [--explanations 200]
// Prints JSON, one object. Exits with 1 where a map is further off than its tolerance, 2 for arguments that do not fit,
// and with 77 and the reason where there is no device.
#include <cstdio>
#include <string>
#include <vector>

#include "bench/gpu/bare.h"
#include "bench/gpu/case.h"
#include "bench/gpu/chain.h"
#include "bench/gpu/explain_options.h"
#include "bench/gpu/json.h"
#include "bench/gpu/timing.h"
#include "core/error.h"
#include "cuda/device.h"
#include "ort/runtime.h"

namespace sess::bench {
namespace {

/**
 * SEMANTICS states no tolerance for float16 and TF32: shares of the map's own mean that only a broken chain misses. Of
 * the reference photos in float16 on the processor, those of CAM are 0.011 apart at most, the gradient at the image
 * 0.079.
 */
constexpr double kRoundedCam = 0.1, kRoundedGradient = 0.3;

/** How far maps are apart, one comparison after the other. */
class Comparisons {
 public:
  Comparisons(const Case& what, bool isRounded) : case_(what), isRounded_(isRounded) {}

  void add(const char* name, const Explained& a, const std::vector<float>& map, std::int32_t target) {
    const Difference difference = differenceOf(a.map, map);
    const bool holds = difference.holds(toleranceFor(map)) && a.target == target;
    hold_ = hold_ && holds;
    all_.object(name, Json()
                          .number("share_within_1e-3", difference.close)
                          .number("mean", difference.mean)
                          .number("largest", difference.largest)
                          .boolean("holds", holds));
  }
  [[nodiscard]] bool hold() const { return hold_; }
  [[nodiscard]] const Json& all() const { return all_; }

 private:
  [[nodiscard]] Tolerance toleranceFor(std::span<const float> map) const {
    if (!isRounded_) return case_.tolerance;
    return ofOwnMean(map, std::holds_alternative<CamOutputs>(case_.outputs) ? kRoundedCam : kRoundedGradient);
  }

  const Case& case_;
  bool isRounded_;
  bool hold_ = true;
  Json all_;
};

/** Explanations and the bare model in turn, so that both see the same machine. */
void addTimes(Json& report, const Case& what, Machine& machine, Chain& chain, const Options& options) {
  Bare bare(what, machine, options.precision);
  const std::int64_t best = bare.bestBatch();
  std::vector<double> explained, alone, ratios;
  for (int i = 0; i < options.trials; ++i) {
    alone.push_back(bare.pass(best));
    explained.push_back(millisecondsOf([&] { (void)chain.explain(); }));
    ratios.push_back(explained.back() / alone.back());
  }
  const double ms = median(explained), ratio = median(ratios);
  report.number("explain_ms", ms)
      .number("bare_ms", median(alone))
      .number("bare_batch", static_cast<double>(best))
      .number("ratio", ratio)
      .number("photos_per_s", 1e3 / ms)
      .number("windows_per_s", 1e3 * what.windows / ms);
  if (what.bound) report.number("bound", *what.bound).boolean("ratio_holds", ratio <= *what.bound);
}

/** The device's free memory after ten explanations, when all that is kept has been asked for, and at the end. */
void addMemory(Json& report, Chain& chain, int explanations) {
  constexpr int kFirst = 10;
  double first = 0.0;
  for (int i = 1; i <= explanations; ++i) {
    (void)chain.explain();
    if (i == std::min(kFirst, explanations)) first = static_cast<double>(cuda::freeMemory());
  }
  report.object("memory", Json()
                              .number("explanations", explanations)
                              .number("free_after_first", first)
                              .number("free_after_last", static_cast<double>(cuda::freeMemory())));
}

int run(const Options& options) {
  const Case what = readCase(options.path);
  const cuda::Presence presence = cuda::probe();
  if (options.onCuda && !presence.reason.empty()) {
    std::fprintf(stderr, "%s\n", presence.reason.c_str());
    return 77;
  }
  const ort::RuntimeInfo& runtime = ort::loadRuntime(options.library, ort::Preference::given);
  const bool isTf32 = options.onCuda && options.precision == ort::Precision::tf32;
  Comparisons comparisons(what, what.isHalf || isTf32);
  Json report;
  report.string("case", what.name)
      .string("onnxruntime", runtime.version)
      .string("device", options.onCuda ? presence.devices.front().name : "processor")
      .string("precision", what.isHalf ? "fp16"
                           : isTf32    ? "tf32"
                                       : "fp32")
      .number("windows", what.windows)
      .number("photo_bytes", static_cast<double>(what.photo.size()))
      .number("map_bytes", static_cast<double>(what.map.size() * sizeof(float)));

  Machine processor = Machine::processor(options.threads);
  const std::int64_t batchHere = options.batch > 0 && !options.onCuda ? options.batch : what.batchOnProcessor;
  Chain here(what, processor, ort::Precision::fp32, batchHere);
  const Explained expected = here.explain();
  comparisons.add("processor_to_library", expected, what.map, what.explained);
  if (!options.onCuda) {
    report.number("batch", static_cast<double>(batchHere));
    if (options.trials > 0) addTimes(report, what, processor, here, options);
  } else {
    const std::int64_t batch = options.batch > 0 ? options.batch : what.batchOnCuda;
    report.number("batch", static_cast<double>(batch));
    Machine device = Machine::cuda(options.threads);
    Chain there(what, device, options.precision, batch);
    const Explained found = there.explain();
    comparisons.add("cuda_to_library", found, what.map, what.explained);
    comparisons.add("cuda_to_processor", found, expected.map, expected.target);
    if (options.trials > 0) addTimes(report, what, device, there, options);
    if (options.explanations > 0) addMemory(report, there, options.explanations);
  }
  report.object("differences", comparisons.all()).boolean("holds", comparisons.hold());
  std::printf("%s\n", report.text().c_str());
  return comparisons.hold() ? 0 : 1;
}

}  // namespace
}  // namespace sess::bench

int main(int argc, char** argv) {
  try {
    return sess::bench::run(sess::bench::readOptions({argv + 1, argv + argc}));
  } catch (const std::exception& error) {
    const auto* known = dynamic_cast<const sess::Error*>(&error);
    std::fprintf(stderr, "gpu_explain: %s\n", error.what());
    return known != nullptr && known->code() == sess::Code::optionInvalid ? 2 : 1;
  }
}
