#include "addon/copies.h"

#include <algorithm>
#include <cstddef>
#include <functional>

#include "addon/ops.h"

namespace sess::addon {

Images imagesOf(const Storage& tensor, const Napi::Object& options) {
  const Layout layout = layoutOf(options);
  const auto shape = tensor.shape();
  const bool planar = layout == Layout::nchw;
  require(shape[planar ? 1 : 3] == 3, "images are not N x 3 x h x w or N x h x w x 3, as the layout says");
  return {tensor.as<float>(), planar ? Size{shape[2], shape[3]} : Size{shape[1], shape[2]}, layout};
}

std::vector<Copy> copiesOf(const Napi::Object& options, std::int64_t rows, std::int64_t choices) {
  const auto values = int32s(options, "pairs");
  require(values.size() % 2 == 0, "pairs is not two numbers for each copy");
  std::vector<Copy> copies;
  for (std::size_t i = 0; i < values.size(); i += 2) {
    require(values[i] >= 0 && values[i] < rows, "a copy's row is outside its tensor");
    require(values[i + 1] >= 0 && values[i + 1] < choices, "a pair's second number is outside its range");
    copies.push_back({values[i], values[i + 1]});
  }
  return copies;
}

void requireRoom(const Storage& out, const Storage& from, std::size_t copies) {
  require(std::ranges::equal(out.shape().subspan(1), from.shape().subspan(1)), "the copies' rows have another shape");
  require(static_cast<std::int64_t>(copies) <= out.shape()[0], "out has fewer rows than there are copies");
  requireApart(from, out);
}

}  // namespace sess::addon
