#pragma once

#include "core/cam.h"
#include "cuda/launch.h"

namespace sess::cuda {

/** One sample of one group of one row: its channels in their order, in double. */
struct GroupSum {
  const float* activations;
  const float* weights;
  const std::int32_t* assignment;
  int channels, samples, groups;
  float* out;

  SESS_HD void operator()(std::int64_t i) const {
    const std::int64_t place = i / samples, row = place / groups;
    const auto sample = static_cast<int>(i % samples), group = static_cast<int>(place % groups);
    double sum = 0.0;
    for (int c = 0; c < channels; ++c) {
      const std::int64_t channel = row * channels + c;
      if (assignment[channel] != group) continue;
      sum += static_cast<double>(weights[channel]) * static_cast<double>(activations[channel * samples + sample]);
    }
    out[i] = relu(static_cast<float>(sum));
  }
};

template <class Launcher>
void groupReduce(Launcher& launch, const GroupReduceArgs& args) {
  launch.threads(args.rows * args.groups * args.samples, GroupSum{.activations = args.activations,
                                                                  .weights = args.weights,
                                                                  .assignment = launch.upload(args.assignment),
                                                                  .channels = coordinate(args.channels),
                                                                  .samples = coordinate(args.samples),
                                                                  .groups = coordinate(args.groups),
                                                                  .out = args.out});
}

}  // namespace sess::cuda
