#pragma once

#include <barrier>
#include <cstddef>
#include <cstring>
#include <memory>
#include <span>
#include <stdexcept>
#include <thread>
#include <vector>

#include "core/error.h"
#include "cuda/launch.h"
#include "emulated/host_team.h"

/** Launches the bodies of the CUDA kernels on the host. */
namespace sess::test {

using emulated::HostMemory;
using emulated::HostTeam;
using emulated::Turns;

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
