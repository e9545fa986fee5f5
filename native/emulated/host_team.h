#pragma once

#include <atomic>
#include <barrier>
#include <cstddef>
#include <cstring>
#include <memory>
#include <new>
#include <stdexcept>
#include <vector>

#include "cuda/launch.h"

/** What the bodies of the CUDA kernels run on, on the host. */
namespace sess::emulated {

/** Memory of exactly so many bytes, filled with a pattern: what reads too far or too early shows. */
class HostMemory {
 public:
  explicit HostMemory(std::size_t bytes) : memory_(::operator new (bytes, std::align_val_t{64})) {
    std::memset(memory_.get(), 0xA5, bytes);
  }
  [[nodiscard]] void* get() const { return memory_.get(); }
  void write(const void* from, std::size_t bytes) {
    if (bytes > 0) std::memcpy(memory_.get(), from, bytes);
  }
  void read(void* to, std::size_t bytes) const {
    if (bytes > 0) std::memcpy(to, memory_.get(), bytes);
  }

 private:
  struct Free {
    void operator()(void* p) const { ::operator delete (p, std::align_val_t{64}); }
  };
  std::unique_ptr<void, Free> memory_;
};

/** How the threads of a team take turns. */
enum class Turns {
  forward,    // one after the other
  backward,   // the last one first: a phase whose threads read what others write comes out otherwise
  concurrent  // on threads of the host, for ThreadSanitizer to watch
};

/** Every thread's own T. */
template <class T>
class HostOwn {
 public:
  T& of(int thread) { return values_.at(static_cast<std::size_t>(thread)); }

 private:
  std::vector<T> values_ = std::vector<T>(cuda::kThreads);
};

/** One thread of a team, or all of them. */
class HostTeam {
 public:
  HostTeam(std::byte* shared, std::size_t bytes, Turns turns, int lane, std::barrier<>* others)
      : shared_(shared), left_(bytes), turns_(turns), lane_(lane), others_(others) {}

  template <class Body>
  void each(int n, const Body& body) {
    if (turns_ == Turns::backward) {
      for (int i = n - 1; i >= 0; --i) body(i);
    } else {
      for (int i = lane_; i < n; i += turns_ == Turns::concurrent ? kLanes : 1) body(i);
    }
    sync();
  }
  void sync() {
    if (others_ != nullptr) others_->arrive_and_wait();
  }
  void count(int* p) { ++std::atomic_ref<int>(*p); }

  template <class T>
  T* array(std::int64_t n) {
    const std::size_t bytes = cuda::sharedBytes<T>(n);
    if (bytes > left_) throw std::logic_error("a team takes more shared memory than it was given");
    auto* const taken = reinterpret_cast<T*>(shared_);
    shared_ += bytes;
    left_ -= bytes;
    return taken;
  }
  template <class T>
  HostOwn<T> own() const {
    return {};
  }

  static constexpr int kLanes = 3;

 private:
  std::byte* shared_;
  std::size_t left_;
  Turns turns_;
  int lane_;
  std::barrier<>* others_;
};

}  // namespace sess::emulated
