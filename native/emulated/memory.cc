#include "emulated/memory.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstring>

namespace sess::emulated {
namespace {

constexpr std::size_t kPage = 4096, kAlignment = 256;
constexpr int kPattern = 0xFF;  // NaN as float and double

std::size_t roundedUp(std::size_t bytes, std::size_t to) { return (bytes + to - 1) / to * to; }

bool patterned(const std::byte* from, const std::byte* to) {
  return std::all_of(from, to, [](std::byte b) { return b == static_cast<std::byte>(kPattern); });
}

}  // namespace

void* Memory::take(std::size_t bytes) {
  if (bytes > limit_ - std::min(used_, limit_)) return nullptr;
  const std::size_t pageBytes = roundedUp(std::max(bytes, std::size_t{1}), kPage);
  void* const mapped = mmap(nullptr, pageBytes + kPage, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (mapped == MAP_FAILED) return nullptr;
  auto* const pages = static_cast<std::byte*>(mapped);
  (void)mprotect(pages, pageBytes, PROT_READ | PROT_WRITE);
  std::memset(pages, kPattern, pageBytes);
  std::byte* const data = pages + pageBytes - roundedUp(std::max(bytes, std::size_t{1}), kAlignment);
  const Allocation allocation{pages, pageBytes, bytes};
  live_.emplace(data, allocation);
  if (!opened_) protect(allocation);
  used_ += bytes;
  peak_ = std::max(peak_, used_);
  return data;
}

bool Memory::give(void* memory) {
  auto* const data = static_cast<std::byte*>(memory);
  const auto known = live_.find(data);
  if (known == live_.end()) return false;
  const Allocation allocation = known->second;
  live_.erase(known);
  used_ -= allocation.bytes;
  (void)mprotect(allocation.pages, allocation.pageBytes, PROT_READ);
  const bool intact =
      patterned(allocation.pages, data) && patterned(data + allocation.bytes, allocation.pages + allocation.pageBytes);
  (void)munmap(allocation.pages, allocation.pageBytes + kPage);
  return intact;
}

bool Memory::holds(const void* p, std::size_t n) const {
  const auto* const first = static_cast<const std::byte*>(p);
  auto after = live_.upper_bound(first);
  if (after == live_.begin()) return false;
  const auto& [data, allocation] = *--after;
  return first + n <= data + allocation.bytes;
}

void Memory::open() {
  opened_ = true;
  for (const auto& [data, allocation] : live_) protect(allocation);
}

void Memory::close() {
  opened_ = false;
  for (const auto& [data, allocation] : live_) protect(allocation);
}

void Memory::protect(const Allocation& allocation) const {
  (void)mprotect(allocation.pages, allocation.pageBytes, opened_ ? PROT_READ | PROT_WRITE : PROT_NONE);
}

}  // namespace sess::emulated
