#pragma once

#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>
#include <vector>

namespace sess::test {

/** A little-endian float32 C-order .npy, version 1. */
struct Npy {
  std::vector<std::int64_t> shape;
  std::vector<float> data;
};

inline std::optional<Npy> readNpy(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return std::nullopt;
  const std::string bytes{std::istreambuf_iterator<char>(file), {}};
  const auto length = static_cast<std::size_t>(static_cast<unsigned char>(bytes.at(8))) +
                      256 * static_cast<std::size_t>(static_cast<unsigned char>(bytes.at(9)));
  const std::string header = bytes.substr(10, length);
  if (header.find("'<f4'") == std::string::npos) return std::nullopt;
  Npy npy;
  const char* p = header.c_str() + header.find('(') + 1;
  for (char* end = nullptr;; p = end + 1) {
    const auto n = std::strtoll(p, &end, 10);
    if (end == p) break;
    npy.shape.push_back(n);
    if (*end != ',') break;
  }
  const auto* data = reinterpret_cast<const float*>(bytes.data() + 10 + length);
  npy.data.resize((bytes.size() - 10 - length) / sizeof(float));
  std::copy_n(reinterpret_cast<const char*>(data), npy.data.size() * sizeof(float),
              reinterpret_cast<char*>(npy.data.data()));
  return npy;
}

}  // namespace sess::test
