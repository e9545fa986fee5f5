#include "bench/gpu/bare.h"

#include <algorithm>
#include <limits>

#include "bench/gpu/cutter.h"
#include "bench/gpu/timing.h"

namespace sess::bench {

Bare::Bare(const Case& what, Machine& machine, ort::Precision precision)
    : case_(what),
      machine_(machine),
      model_(machine, what.bare, precision),
      patches_(machine, what.windows * what.imageElements()),
      logits_(machine, what.windows * what.classes) {
  Cutter cutter(what, machine);
  std::int64_t filled = 0;
  const auto next = [&] { return patches_.data() + filled * what.imageElements(); };
  if (what.base >= 0) {
    cutter.base(next());
    ++filled;
  }
  cutter.all([&] { return std::pair(next(), std::int64_t{what.windows}); },
             [&](std::span<const Window> some) { filled += static_cast<std::int64_t>(some.size()); });
  machine.wait();
}

double Bare::pass(std::int64_t batch) {
  const std::vector<std::int64_t> image = model_.session().inputs().at(0).shape;
  return millisecondsOf([&] {
    for (std::int64_t first = 0; first < case_.windows; first += batch) {
      const std::int64_t rows = std::min<std::int64_t>(batch, case_.windows - first);
      Bindings inputs, outputs;
      inputs.add(case_.image, patches_.data() + first * case_.imageElements(), rows, {image.begin() + 1, image.end()});
      outputs.add(case_.logits, logits_.data(), rows, {case_.classes});
      model_.run(inputs, outputs);
    }
    machine_.wait();
  });
}

std::int64_t Bare::bestBatch() {
  const bool isCuda = machine_.stream() != nullptr;
  if ((isCuda ? case_.batchOnCuda : case_.batchOnProcessor) == 1) return 1;  // the model takes one at a time
  std::int64_t best = 1;
  double least = std::numeric_limits<double>::infinity();
  const std::vector<std::int64_t> sizes =
      isCuda ? std::vector<std::int64_t>{8, 16, 32, 64, 128} : std::vector<std::int64_t>{1, 2, 4, 8, 16};
  for (const std::int64_t size : sizes) {
    (void)pass(size);
    const double ms = median({pass(size), pass(size), pass(size)});
    if (ms < least) {
      least = ms;
      best = size;
    }
  }
  return best;
}

}  // namespace sess::bench
