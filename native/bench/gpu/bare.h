#pragma once

#include <cstdint>
#include <vector>

#include "bench/gpu/case.h"
#include "bench/gpu/machine.h"
#include "bench/gpu/model.h"

namespace sess::bench {

/** The bare model: a case's patches, cut before, through the model without what the method adds. */
class Bare {
 public:
  Bare(const Case& what, Machine& machine, ort::Precision precision);

  /** Milliseconds of all windows in batches of `batch`, enqueued one after the other. */
  [[nodiscard]] double pass(std::int64_t batch);
  /** The fastest of the usual sizes, each tried a few times. */
  [[nodiscard]] std::int64_t bestBatch();

 private:
  const Case& case_;
  Machine& machine_;
  Model model_;
  Array<float> patches_, logits_;
};

}  // namespace sess::bench
