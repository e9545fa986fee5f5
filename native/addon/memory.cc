#include "addon/memory.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstdlib>
#include <string>
#include <utility>

#include "core/error.h"
#include "cuda/device.h"

namespace sess::addon {
namespace {

constexpr std::size_t kLine = 64;
constexpr std::size_t kHugePage = std::size_t{2} << 20;
constexpr std::size_t kHugeBlock = std::size_t{16} << 20;  // below, making room for huge pages may cost more
constexpr std::size_t kKeptBytes = std::size_t{48} << 20;
constexpr std::size_t kKeptDeviceBytes = std::size_t{1} << 30;  // there, asking for more waits for all that runs

Block allocateHost(std::size_t bytes) {
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

Block allocate(Place place, std::size_t bytes) {
  return place.cuda ? Block(cuda::allocate(*place.cuda, bytes), FreeMemory{place}) : allocateHost(bytes);
}

}  // namespace

void FreeMemory::operator()(void* memory) const {
  if (place.cuda) {
    cuda::release(*place.cuda, memory);
  } else {
    std::free(memory);
  }
}

Block Blocks::take(std::size_t bytes) {
  const auto known = std::find_if(kept_.begin(), kept_.end(), [&](const Kept& kept) { return kept.bytes == bytes; });
  if (known != kept_.end()) {
    Block block = std::move(known->block);
    keptBytes_ -= bytes;
    kept_.erase(known);
    return block;
  }
  try {
    return allocate(place_, bytes);
  } catch (const Error& error) {
    if (error.code() != Code::outOfMemory) throw;
  }
  trim();
  return allocate(place_, bytes);
}

void Blocks::trim() {
  kept_.clear();
  keptBytes_ = 0;
  if (place_.cuda) cuda::trim(*place_.cuda);
}

std::size_t Blocks::mostKept() const { return place_.cuda ? kKeptDeviceBytes : kKeptBytes; }

void Blocks::give(Block block, std::size_t bytes) {
  if (bytes > mostKept()) return;
  kept_.push_back({std::move(block), bytes});
  keptBytes_ += bytes;
  while (keptBytes_ > mostKept()) {
    keptBytes_ -= kept_.front().bytes;
    kept_.pop_front();
  }
}

}  // namespace sess::addon
