#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "addon/memory.h"
#include "core/ops.h"
#include "cuda/device.h"

namespace sess::bench {

/** Nothing is stopped here. */
inline const CancelFlag never{false};

/** The processor, or CUDA device 0: its ops, and memory that is used again as the addon's tensors are. */
class Machine {
 public:
  [[nodiscard]] static Machine processor(int threads);
  /** Throws Code::deviceUnavailable with the reason. */
  [[nodiscard]] static Machine cuda(int threads);

  [[nodiscard]] Backend& ops() { return *ops_; }
  /** Null on the processor. */
  [[nodiscard]] cuda::StreamBackend* stream() { return stream_; }
  [[nodiscard]] addon::Blocks& blocks() { return blocks_; }
  /** Of the processor: for the ops there, and for a model's nodes. */
  [[nodiscard]] int threads() const { return threads_; }
  /** Waits until the ops so far have run. */
  void wait();
  /** At once, once what uses the memory has run. */
  void write(void* to, const void* from, std::size_t bytes) const;
  void read(void* to, const void* from, std::size_t bytes) const;

 private:
  Machine(std::unique_ptr<Backend> ops, cuda::StreamBackend* stream, int threads);

  std::unique_ptr<Backend> ops_;
  cuda::StreamBackend* stream_;
  addon::Blocks blocks_;
  int threads_;
};

/** Memory of a machine, which gets it back. */
template <class T>
class Array {
 public:
  Array(Machine& machine, std::int64_t elements)
      : machine_(&machine),
        bytes_(static_cast<std::size_t>(elements) * sizeof(T)),
        block_(machine.blocks().take(bytes_)) {}
  ~Array() {
    if (block_) machine_->blocks().give(std::move(block_), bytes_);
  }
  Array(Array&&) = default;
  Array(const Array&) = delete;
  Array& operator=(const Array&) = delete;
  Array& operator=(Array&&) = delete;

  [[nodiscard]] T* data() const { return static_cast<T*>(block_.get()); }
  [[nodiscard]] std::size_t bytes() const { return bytes_; }
  void write(std::span<const T> values) { machine_->write(data(), values.data(), values.size_bytes()); }
  /** The first elements, once what writes them has run. */
  /** Elements, from the `first` on. */
  [[nodiscard]] std::vector<T> read(std::int64_t elements, std::int64_t first = 0) const {
    std::vector<T> values(static_cast<std::size_t>(elements));
    machine_->read(values.data(), data() + first, values.size() * sizeof(T));
    return values;
  }

 private:
  Machine* machine_;
  std::size_t bytes_;
  addon::Block block_;
};

}  // namespace sess::bench
