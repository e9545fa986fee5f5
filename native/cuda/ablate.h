#pragma once

#include "cuda/launch.h"

namespace sess::cuda {

/** Part of one copy: a row without one of its channels. */
struct AblatePart {
  static constexpr int kElements = 16 * 1024;

  const float* activations;
  const Copy* copies;
  int each, channels, inner;  // elements of a row
  int parts;
  float* out;

  template <class Team>
  SESS_HD void operator()(Team& team, std::int64_t block) const {
    const std::int64_t k = block / parts;
    const int begin = static_cast<int>(block % parts) * kElements;
    const Copy copy = copies[k];
    const float* const from = activations + static_cast<std::int64_t>(copy.row) * each;
    float* const to = out + k * each;
    team.each(least(kElements, each - begin), [&](int i) {
      const int at = begin + i;
      to[at] = at / inner % channels == copy.what ? 0.0F : from[at];
    });
  }
};

template <class Launcher>
void ablate(Launcher& launch, const AblateArgs& args) {
  const int each = coordinate(args.outer * args.channels * args.inner);
  const auto parts = static_cast<int>(ceilDiv(each, AblatePart::kElements));
  launch.blocks(static_cast<std::int64_t>(args.copies.size()) * parts, 0,
                AblatePart{.activations = args.activations,
                           .copies = launch.upload(args.copies),
                           .each = each,
                           .channels = coordinate(args.channels),
                           .inner = coordinate(args.inner),
                           .parts = parts,
                           .out = args.out});
}

}  // namespace sess::cuda
