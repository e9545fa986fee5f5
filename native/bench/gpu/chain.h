#pragma once

#include <cstdint>
#include <vector>

#include "bench/gpu/case.h"
#include "bench/gpu/machine.h"
#include "bench/gpu/model.h"

namespace sess::bench {

struct Explained {
  std::int32_t target;
  std::vector<float> map;  // the photo's size
};

/** A case's whole chain on one machine, from the photo to its map, with the ops in the order of src/sess/pipeline.ts.
 */
class Chain {
 public:
  /** `batch`: windows of one forward pass. Throws as Model does. */
  Chain(const Case& what, Machine& machine, ort::Precision precision, std::int64_t batch)
      : case_(what), machine_(machine), model_(machine, what.graph, precision), batch_(batch) {}

  [[nodiscard]] Explained explain();

 private:
  const Case& case_;
  Machine& machine_;
  Model model_;
  std::int64_t batch_;
};

}  // namespace sess::bench
