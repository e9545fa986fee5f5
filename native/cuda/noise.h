#pragma once

#include "core/normal.h"
#include "cuda/reduce.h"

namespace sess::cuda {

/** The standard deviation of one image's noise. */
struct NoiseSigma {
  static constexpr std::size_t kShared = sharedBytes<Bounds>(kThreads);

  const float* input;
  int elements;
  double strength;
  float* sigmas;

  template <class Team>
  SESS_HD void operator()(Team& team, std::int64_t image) const {
    const Bounds b = boundsOf(team, team.template array<Bounds>(kThreads), input + image * elements, elements);
    team.each(1, [&](int) {
      sigmas[image] = static_cast<float>(strength * (static_cast<double>(b.hi) - static_cast<double>(b.lo)));
    });
  }
};

/** The four numbers of one lane of a block of one image. */
struct AddNoise {
  const float* input;
  const std::int32_t* windows;
  const float* sigmas;
  std::int64_t elements, lanes;  // of an image
  std::uint32_t copy;
  std::uint64_t seed;
  float* out;

  SESS_HD void operator()(std::int64_t i) const {
    const std::int64_t image = i / lanes, lane = i % lanes;
    const NormalStream stream{seed, static_cast<std::uint32_t>(windows[image]), copy};
    const NormalFour four = normalFour(stream, static_cast<std::uint32_t>(lane / kNormalLanes),
                                       static_cast<std::uint32_t>(lane % kNormalLanes));
    const std::int64_t first = lane / kNormalLanes * kNormalBlock + lane % kNormalLanes;
    for (int k = 0; k < 4; ++k) {
      const std::int64_t at = first + k * kNormalLanes;
      if (at < elements) out[image * elements + at] = input[image * elements + at] + sigmas[image] * four.at[k];
    }
  }
};

template <class Launcher>
void noise(Launcher& launch, const NoiseArgs& args) {
  const auto images = static_cast<std::int64_t>(args.windows.size());
  float* sigmas = launch.template workspace<float>(images);
  launch.blocks(images, NoiseSigma::kShared, NoiseSigma{args.input, coordinate(args.elements), args.strength, sigmas});
  const std::int64_t lanes = ceilDiv(args.elements, kNormalBlock) * kNormalLanes;
  launch.threads(images * lanes, AddNoise{.input = args.input,
                                          .windows = launch.upload(args.windows),
                                          .sigmas = sigmas,
                                          .elements = args.elements,
                                          .lanes = lanes,
                                          .copy = args.copy,
                                          .seed = args.seed,
                                          .out = args.out});
}

}  // namespace sess::cuda
