#include "addon/memory.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstdlib>
#include <string>
#include <utility>

#include "core/error.h"

namespace sess::addon {
namespace {

constexpr std::size_t kLine = 64;
constexpr std::size_t kHugePage = std::size_t{2} << 20;
constexpr std::size_t kHugeBlock = std::size_t{16} << 20;  // below, making room for huge pages may cost more
constexpr std::size_t kKeptBytes = std::size_t{48} << 20;

}  // namespace

void FreeMemory::operator()(void* memory) const { std::free(memory); }

Block Blocks::take(std::size_t bytes) {
  const auto known = std::find_if(kept_.begin(), kept_.end(), [&](const Kept& kept) { return kept.bytes == bytes; });
  if (known != kept_.end()) {
    Block block = std::move(known->block);
    keptBytes_ -= bytes;
    kept_.erase(known);
    return block;
  }
  const std::size_t alignment = bytes >= kHugeBlock ? kHugePage : kLine;
  Block block(std::aligned_alloc(alignment, (bytes + alignment - 1) / alignment * alignment));
  if (!block) {
    throw Error(Code::outOfMemory, "A tensor of " + std::to_string(bytes >> 20) + " MiB cannot be allocated.");
  }
#ifdef MADV_HUGEPAGE
  if (alignment == kHugePage) (void)madvise(block.get(), bytes, MADV_HUGEPAGE);
#endif
  return block;
}

void Blocks::give(Block block, std::size_t bytes) {
  if (bytes > kKeptBytes) return;
  kept_.push_back({std::move(block), bytes});
  keptBytes_ += bytes;
  while (keptBytes_ > kKeptBytes) {
    keptBytes_ -= kept_.front().bytes;
    kept_.pop_front();
  }
}

}  // namespace sess::addon
