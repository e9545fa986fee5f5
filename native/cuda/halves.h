#pragma once

#include <algorithm>
#include <cstddef>

namespace sess::cuda {

/**
 * Takes `bytes` through a buffer of two halves: `ask(half, at, n)` has the n bytes at `at` put into a half, `take` has
 * them taken out, one piece later, so that the next is on its way meanwhile.
 */
template <class Ask, class Take>
void throughHalves(std::size_t bytes, std::size_t half, const Ask& ask, const Take& take) {
  const std::size_t pieces = (bytes + half - 1) / half;
  const auto at = [&](std::size_t piece) { return piece * half; };
  const auto size = [&](std::size_t piece) { return std::min(half, bytes - at(piece)); };
  for (std::size_t piece = 0; piece <= pieces; ++piece) {
    if (piece < pieces) ask(static_cast<int>(piece % 2), at(piece), size(piece));
    if (piece > 0) take(static_cast<int>((piece - 1) % 2), at(piece - 1), size(piece - 1));
  }
}

}  // namespace sess::cuda
