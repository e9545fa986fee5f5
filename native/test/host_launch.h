#pragma once

#include <atomic>
#include <barrier>
#include <cstddef>
#include <cstring>
#include <memory>
#include <new>
#include <span>
#include <stdexcept>
#include <thread>
#include <vector>

#include "core/error.h"
#include "cuda/launch.h"

/** Launches the bodies of the CUDA kernels on the host. */
namespace sess::test {

/** Memory of exactly so many bytes, filled with a pattern: what reads too far or too early shows. */
class HostMemory {
 public:
  explicit HostMemory(std::size_t bytes) : memory_(::operator new (bytes, std::align_val_t{64})) {
    std::memset(memory_.get(), 0xA5, bytes);
  }
  [[nodiscard]] void* get() const { return memory_.get(); }
  void write(const void* from, std::size_t bytes) { std::memcpy(memory_.get(), from, bytes); }
  void read(void* to, std::size_t bytes) const { std::memcpy(to, memory_.get(), bytes); }

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

  static constexpr int kLanes = 3;

 private:
  std::byte* shared_;
  std::size_t left_;
  Turns turns_;
  int lane_;
  std::barrier<>* others_;
};

class HostLauncher {
 public:
  explicit HostLauncher(Turns turns) : turns_(turns) {}

  void begin(const CancelFlag& cancel) {
    cancel_ = &cancel;
    memory_.clear();
  }

  template <class Body>
  void threads(std::int64_t n, const Body& body) {
    stopIfCancelled();
    for (std::int64_t i = 0; i < n; ++i) body(turns_ == Turns::backward ? n - 1 - i : i);
  }

  template <class Body>
  void blocks(std::int64_t n, std::size_t bytes, const Body& body) {
    stopIfCancelled();
    if (bytes > cuda::kMostShared) throw std::logic_error("more shared memory than a device has");
    if (turns_ == Turns::concurrent) {
      concurrently(n, bytes, body);
      return;
    }
    for (std::int64_t i = 0; i < n; ++i) {
      const HostMemory shared(bytes);
      HostTeam team(static_cast<std::byte*>(shared.get()), bytes, turns_, 0, nullptr);
      body(team, turns_ == Turns::backward ? n - 1 - i : i);
    }
  }

  template <class T>
  const T* upload(std::span<const T> values) {
    auto* const copy = workspace<T>(static_cast<std::int64_t>(values.size()));
    if (!values.empty()) std::memcpy(copy, values.data(), values.size_bytes());
    return copy;
  }

  void send(void* to, const void* from, std::size_t bytes) { std::memcpy(to, from, bytes); }
  void receive(void* to, const void* from, std::size_t bytes) { std::memcpy(to, from, bytes); }
  void move(void* to, const void* from, std::size_t bytes) { std::memcpy(to, from, bytes); }

  template <class T>
  T* workspace(std::int64_t n) {
    memory_.emplace_back(static_cast<std::size_t>(n) * sizeof(T));
    return static_cast<T*>(memory_.back().get());
  }

 private:
  void stopIfCancelled() const {
    if (*cancel_) throw Error(Code::aborted, "The run was aborted.");
  }

  template <class Body>
  void concurrently(std::int64_t n, std::size_t bytes, const Body& body) {
    const HostMemory shared(bytes);
    std::barrier<> together(HostTeam::kLanes);
    std::vector<std::thread> lanes;
    for (int lane = 0; lane < HostTeam::kLanes; ++lane) {
      lanes.emplace_back([&, lane] {
        for (std::int64_t b = 0; b < n; ++b) {
          HostTeam team(static_cast<std::byte*>(shared.get()), bytes, turns_, lane, &together);
          body(team, b);
          together.arrive_and_wait();
        }
      });
    }
    for (auto& lane : lanes) lane.join();
  }

  Turns turns_;
  const CancelFlag* cancel_ = nullptr;
  std::vector<HostMemory> memory_;
};

}  // namespace sess::test
