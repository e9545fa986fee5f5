#pragma once

#include "cuda/reduce.h"

namespace sess::cuda {

/** One channel: smallest, largest, variance; NaN where a value is not finite. */
struct ChannelRange {
  static constexpr std::size_t kShared = sharedBytes<double>(kThreads) + sharedBytes<Bounds>(kThreads);

  const float* features;
  int samples;
  float* ranges;

  template <class Team>
  SESS_HD void operator()(Team& team, std::int64_t channel) const {
    const float* const values = features + channel * samples;
    auto* const shared = team.template array<double>(kThreads);
    const auto sumOf = [&](const auto& term) {
      return reduce(team, shared, samples, 0.0, term, [](double a, double b) { return a + b; });
    };
    const double mean = sumOf([&](int i) { return static_cast<double>(values[i]); }) / samples;
    const Bounds bounds = boundsOf(team, team.template array<Bounds>(kThreads), values, samples);
    const double squares = sumOf([&](int i) {
      const double d = static_cast<double>(values[i]) - mean;
      return d * d;
    });
    const bool finite = mean - mean == 0.0;
    team.each(3, [&](int i) {
      const float value = i == 0 ? bounds.lo : i == 1 ? bounds.hi : static_cast<float>(squares / samples);
      ranges[3 * channel + i] = finite ? value : __builtin_nanf("");
    });
  }
};

template <class Launcher>
void channelRanges(Launcher& launch, const ChannelRangesArgs& args) {
  launch.blocks(args.channels, ChannelRange::kShared,
                ChannelRange{args.features, coordinate(args.samples), args.ranges});
}

}  // namespace sess::cuda
