#include "cpu/taps.h"

#include "core/geometry.h"

namespace sess::cpu {

TapsView Taps::view(std::int64_t from) const {
  return {first.data() + from, count.data() + from, offset.data() + from, weights.data()};
}

namespace {

void appendTriangle(Taps& taps, const Triangle& triangle) {
  taps.first.push_back(triangle.first);
  taps.count.push_back(triangle.last - triangle.first);
  double sum = 0.0;
  for (std::int64_t j = triangle.first; j < triangle.last; ++j) sum += triangle.weight(j);
  for (std::int64_t j = triangle.first; j < triangle.last; ++j) {
    taps.weights.push_back(static_cast<float>(triangle.weight(j) / sum));
  }
}

void appendPair(Taps& taps, const Position& position, std::int64_t nIn) {
  const bool single = position.fraction == 0.0 || position.left < 0 || position.left >= nIn - 1;
  taps.first.push_back(clampIndex(position.left, nIn));
  taps.count.push_back(single ? 1 : 2);
  taps.weights.push_back(single ? 1.0F : static_cast<float>(1.0 - position.fraction));
  if (!single) taps.weights.push_back(static_cast<float>(position.fraction));
}

}  // namespace

Taps makeTaps(std::int64_t nIn, std::int64_t nOut, std::int64_t begin, std::int64_t n, Filter filter) {
  Taps taps;
  const auto outputs = static_cast<std::size_t>(n);
  taps.first.reserve(outputs);
  taps.count.reserve(outputs);
  taps.offset.reserve(outputs);
  const bool shrinks = filter == Filter::antialias && nOut < nIn;
  for (std::int64_t i = begin; i < begin + n; ++i) {
    taps.offset.push_back(static_cast<std::int64_t>(taps.weights.size()));
    if (shrinks) {
      appendTriangle(taps, antialiasTriangle(i, nIn, nOut));
    } else {
      appendPair(taps, bilinearPosition(i, nIn, nOut), nIn);
    }
  }
  return taps;
}

Axis makeAxis(std::int64_t nIn, std::int64_t nOut, std::int64_t begin, std::int64_t n) {
  Axis axis;
  axis.left.reserve(static_cast<std::size_t>(n));
  axis.fraction.reserve(static_cast<std::size_t>(n));
  for (std::int64_t i = begin; i < begin + n; ++i) {
    const Position position = bilinearPosition(i, nIn, nOut);
    axis.left.push_back(static_cast<std::int32_t>(position.left));
    axis.fraction.push_back(static_cast<float>(position.fraction));
  }
  return axis;
}

}  // namespace sess::cpu
