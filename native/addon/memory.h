#pragma once

#include <cstddef>
#include <deque>
#include <memory>
#include <optional>

namespace sess::addon {

/** Where a tensor's memory lies: the processor's, or that of a CUDA device. */
struct Place {
  std::optional<int> cuda;
};

struct FreeMemory {
  Place place;
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
  explicit Blocks(Place place) : place_(place) {}
  /** Throws Code::outOfMemory. */
  Block take(std::size_t bytes);
  void give(Block block, std::size_t bytes);
  /** Frees what is kept for later, here and in the device's own pool: it may be what is missing elsewhere. */
  void trim();
  [[nodiscard]] std::size_t keptBytes() const noexcept { return keptBytes_; }

 private:
  struct Kept {
    Block block;
    std::size_t bytes;
  };
  [[nodiscard]] std::size_t mostKept() const;

  Place place_;
  std::deque<Kept> kept_;  // the oldest first
  std::size_t keptBytes_ = 0;
};

}  // namespace sess::addon
