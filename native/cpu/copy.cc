#include <algorithm>
#include <cstring>

#include "cpu/ops.h"

namespace sess::cpu {

void copy(const Context& context, const CopyArgs& args) {
  constexpr std::int64_t kBytes = std::int64_t{1} << 20;  // of a task
  context.pool.parallelFor(ceilDiv(args.bytes, kBytes), context.cancel, [&](std::int64_t task, Scratch&) {
    const std::int64_t begin = task * kBytes;
    std::memcpy(static_cast<std::byte*>(args.to) + begin, static_cast<const std::byte*>(args.from) + begin,
                index(std::min(kBytes, args.bytes - begin)));
  });
}

}  // namespace sess::cpu
