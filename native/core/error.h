#pragma once

#include <stdexcept>
#include <string>

namespace sess {

/** The codes of the public contract that native code can raise. */
enum class Code {
  optionInvalid,
  modelUnreadable,
  modelUnsupported,
  outOfMemory,
  nativeMissing,
  deviceUnavailable,
  aborted,
  disposed,
};

class Error : public std::runtime_error {
 public:
  Error(Code code, const std::string& what) : std::runtime_error(what), code_(code) {}
  [[nodiscard]] Code code() const noexcept { return code_; }

 private:
  Code code_;
};

}  // namespace sess
