#pragma once

#include <cstdlib>
#include <string>

namespace sess::test {

/** The library of ONNX Runtime that npm installs, or SESS_ORT_LIBRARY. */
inline std::string ortLibrary() {
  if (const char* given = std::getenv("SESS_ORT_LIBRARY")) return given;
  return SESS_SOURCE "/node_modules/onnxruntime-node/bin/napi-v6/linux/x64/libonnxruntime.so.1";
}

}  // namespace sess::test
