#pragma once

#include <cstddef>
#include <map>

namespace sess::emulated {

/**
 * Memory of the emulated device. Only work of the device may touch it: at all other times its pages are closed, so a
 * host that reads a device's pointer stops with a signal. Behind every allocation lies a page that nobody may touch.
 */
class Memory {
 public:
  /** 256-byte aligned, filled with NaN; null where the device has no room. */
  void* take(std::size_t bytes);
  /** False where nothing was allocated there, or somebody wrote beside it. */
  bool give(void* memory);
  /** Whether n bytes from `p` on lie in one allocation. */
  [[nodiscard]] bool holds(const void* p, std::size_t n) const;

  void open();
  void close();

  void setLimit(std::size_t bytes) { limit_ = bytes; }
  [[nodiscard]] std::size_t limit() const { return limit_; }
  [[nodiscard]] std::size_t used() const { return used_; }
  [[nodiscard]] std::size_t peak() const { return peak_; }
  [[nodiscard]] std::size_t allocations() const { return live_.size(); }

 private:
  struct Allocation {
    std::byte* pages;
    std::size_t pageBytes;  // without the closed page behind them
    std::size_t bytes;
  };
  void protect(const Allocation& allocation) const;

  std::map<const std::byte*, Allocation> live_;  // by address
  std::size_t limit_ = std::size_t{4} << 30, used_ = 0, peak_ = 0;
  bool opened_ = false;
};

}  // namespace sess::emulated
