#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/ops.h"

namespace sess::test {

/** A backend that must give what the CPU gives. */
struct NamedBackend {
  std::string name;
  std::unique_ptr<Backend> backend;
};

/** The CUDA kernels run by the host, and on the first device where there is one. */
std::vector<NamedBackend> cudaBackends();

}  // namespace sess::test
