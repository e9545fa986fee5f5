#pragma once

#include "cuda/launch.h"

namespace sess::cuda {

/** kStep elements. */
template <int kStep>
struct Accumulate {
  const float* from;
  float factor;
  bool adds;
  float* out;

  SESS_HD void operator()(std::int64_t i) const {
    if constexpr (kStep == 4) {
      const auto in = loadAligned<Float4>(from + 4 * i);
      auto sum = adds ? loadAligned<Float4>(out + 4 * i) : Float4{};
      for (int k = 0; k < 4; ++k) sum.at[k] = adds ? sum.at[k] + factor * in.at[k] : factor * in.at[k];
      storeAligned(out + 4 * i, sum);
    } else {
      out[i] = adds ? out[i] + factor * from[i] : factor * from[i];
    }
  }
};

template <class Launcher>
void accumulate(Launcher& launch, const AccumulateArgs& args) {
  const bool adds = args.mode == Accumulation::add;
  const std::int64_t whole = suits<Float4>(args.from) && suits<Float4>(args.out) ? args.elements / 4 : 0;
  const std::int64_t done = 4 * whole;
  launch.threads(whole, Accumulate<4>{args.from, args.factor, adds, args.out});
  launch.threads(args.elements - done, Accumulate<1>{args.from + done, args.factor, adds, args.out + done});
}

}  // namespace sess::cuda
