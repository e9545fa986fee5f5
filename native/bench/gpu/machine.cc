#include "bench/gpu/machine.h"

#include <cstring>
#include <utility>

#include "cpu/backend.h"

namespace sess::bench {

Machine::Machine(std::unique_ptr<Backend> ops, cuda::StreamBackend* stream, int threads)
    : ops_(std::move(ops)),
      stream_(stream),
      blocks_(addon::Place{stream == nullptr ? std::nullopt : std::optional<int>(0)}),
      threads_(threads) {}

Machine Machine::processor(int threads) {
  return {cpu::makeBackend(threads, cpu::simdVariants().back()), nullptr, threads};
}

Machine Machine::cuda(int threads) {
  auto ops = cuda::makeBackend(0);
  cuda::StreamBackend* stream = ops.get();
  return {std::move(ops), stream, threads};
}

void Machine::wait() {
  if (const auto fence = ops_->fence()) fence->wait();
}

void Machine::write(void* to, const void* from, std::size_t bytes) const {
  if (stream_ != nullptr) {
    cuda::write(0, to, from, bytes);
  } else {
    std::memcpy(to, from, bytes);
  }
}

void Machine::read(void* to, const void* from, std::size_t bytes) const {
  if (stream_ != nullptr) {
    cuda::read(0, to, from, bytes);
  } else {
    std::memcpy(to, from, bytes);
  }
}

}  // namespace sess::bench
