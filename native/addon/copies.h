#pragma once

#include <vector>

#include "addon/arguments.h"
#include "addon/tensor.h"

namespace sess::addon {

/** Images of the layout that the options name: N x 3 x h x w, or N x h x w x 3. */
Images imagesOf(const Storage& tensor, const Napi::Object& options);

/** The pairs: each copy's row, below `rows`, and what is done to it, below `choices`. */
std::vector<Copy> copiesOf(const Napi::Object& options, std::int64_t rows, std::int64_t choices);

/** `out` has room for `copies` rows of `from`. */
void requireRoom(const Storage& out, const Storage& from, std::size_t copies);

}  // namespace sess::addon
