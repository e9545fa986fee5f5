#pragma once

#include <cstddef>
#include <deque>
#include <memory>

namespace sess::addon {

struct FreeMemory {
  void operator()(void* memory) const;
};
/** A block of a tensor's memory, 64-byte aligned. */
using Block = std::unique_ptr<void, FreeMemory>;

/**
 * Blocks for tensors. A few of those given back are kept, for one explanation asks for the same sizes as the last and
 * touching fresh pages costs more than the ops that fill them. Used on one thread.
 */
class Blocks {
 public:
  /** Throws Code::outOfMemory. */
  Block take(std::size_t bytes);
  void give(Block block, std::size_t bytes);

 private:
  struct Kept {
    Block block;
    std::size_t bytes;
  };
  std::deque<Kept> kept_;  // the oldest first
  std::size_t keptBytes_ = 0;
};

}  // namespace sess::addon
