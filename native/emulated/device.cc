#include "emulated/device.h"

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <utility>

namespace sess::emulated {
namespace {

void writeCounts() {
  const char* const path = std::getenv("SESS_EMULATED_COUNTS");
  if (path == nullptr || *path == '\0') return;
  std::FILE* const file = std::fopen(path, "w");
  if (file == nullptr) return;
  Device& device = Device::get();
  const Counts counts = device.counts();
  const auto copies = [&](const char* name, const Counts::Copies& c) {
    std::fprintf(file, "\"%s\": {\"number\": %lld, \"bytes\": %lld}, ", name, static_cast<long long>(c.number),
                 static_cast<long long>(c.bytes));
  };
  std::fputs("{", file);
  copies("up", counts.up);
  copies("down", counts.down);
  copies("within", counts.within);
  std::fprintf(file, "\"launches\": %lld, \"peakBytes\": %zu, \"heldBytes\": %zu, \"fault\": %d}\n",
               static_cast<long long>(counts.launches), device.memory.peak(), device.memory.used(),
               static_cast<int>(device.fault()));
  (void)std::fclose(file);
}

}  // namespace

Device& Device::get() {
  static auto* const device = std::unique_ptr<Device>(new Device()).release();
  return *device;
}

Device::Device() {
  if (const char* const given = std::getenv("SESS_EMULATED_MEMORY"); given != nullptr && *given != '\0') {
    memory.setLimit(std::strtoull(given, nullptr, 10));
  }
  if (const char* const given = std::getenv("SESS_EMULATED_FAILURE"); given != nullptr) {
    callsToFailure_ = static_cast<int>(std::strtol(given, nullptr, 10));
  }
  (void)std::atexit(writeCounts);
}

cudaError_t Device::always(const std::function<cudaError_t()>& call) {
  const std::lock_guard lock(mutex_);
  if (fault_ != cudaSuccess) return fault_;
  const cudaError_t status = call();
  return fault_ != cudaSuccess ? fault_ : status;
}

cudaError_t Device::with(const std::function<cudaError_t()>& call) {
  return always([&] {
    if (callsToFailure_ > 0 && --callsToFailure_ == 0) return cudaErrorUnknown;
    return call();
  });
}

void Device::enqueue(CUstream_st* stream, std::function<void()> work) {
  (stream == nullptr ? legacy : *stream).work.push_back(std::move(work));
}

void Device::record(CUevent_st& event, CUstream_st* stream) {
  const std::uint64_t place = ++event.state->recorded;
  event.state->stream = stream == nullptr ? &legacy : stream;
  enqueue(stream, [state = event.state, place] {
    state->reached = place;
    state->at = std::chrono::steady_clock::now();
  });
}

void Device::finish(CUstream_st* stream) {
  runUntil(stream == nullptr ? legacy : *stream, [] { return false; });
}

void Device::finishAll() {
  finish(&legacy);
  for (CUstream_st* const stream : streams) finish(stream);
  for (const auto& stream : destroyed) finish(stream.get());
}

void Device::finishUntil(CUstream_st& stream, const CUevent_st::State& event, std::uint64_t place) {
  runUntil(stream, [&] { return event.reached >= place; });
}

void Device::runUntil(CUstream_st& stream, const std::function<bool()>& done) {
  if (running_++ == 0) memory.open();
  while (!done() && !stream.work.empty()) runFirst(stream);
  if (--running_ == 0) memory.close();
}

void Device::runFirst(CUstream_st& stream) {
  const std::function<void()> work = std::move(stream.work.front());
  stream.work.pop_front();
  if (fault_ != cudaSuccess) return;
  try {
    work();
  } catch (const std::exception& error) {
    std::fprintf(stderr, "emulated device: %s\n", error.what());
    fault_ = cudaErrorLaunchFailure;
  }
}

void Device::failCall(int n) {
  const std::lock_guard lock(mutex_);
  callsToFailure_ = n;
}

Counts Device::counts() {
  const std::lock_guard lock(mutex_);
  return counted;
}

cudaError_t launch(CUstream_st* stream, std::function<void()> work) {
  Device& device = Device::get();
  return device.with([&] {
    ++device.counted.launches;
    device.enqueue(stream, std::move(work));
    return cudaSuccess;
  });
}

}  // namespace sess::emulated
