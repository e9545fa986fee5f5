#include "ort/stream_session.h"

#include <utility>

namespace sess::ort {
namespace {

SessionOptions onStream(SessionOptions options, int device, const cuda::StreamBackend& stream) {
  options.cuda = CudaStream{device, stream.stream()};
  return options;
}

}  // namespace

StreamSession::StreamSession(int device, SessionOptions options)
    : stream_(cuda::makeBackend(device)), model_(onStream(std::move(options), device, *stream_)) {}

StreamSession::~StreamSession() { stream_->settle(); }

void StreamSession::run(cuda::StreamBackend& caller, const std::vector<Bound>& inputs,
                        const std::vector<Bound>& outputs, Interrupt& interrupt) {
  const std::lock_guard lock(running_);
  stream_->waitFor(caller);
  try {
    model_.run(inputs, outputs, interrupt);
  } catch (...) {
    letWait(caller);  // the tensors are in use until what was enqueued has run
    throw;
  }
  letWait(caller);
}

void StreamSession::letWait(cuda::StreamBackend& caller) {
  try {
    caller.waitFor(*stream_);
  } catch (...) {
    stream_->settle();
    throw;
  }
}

}  // namespace sess::ort
