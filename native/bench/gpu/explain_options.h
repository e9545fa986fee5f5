#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <thread>
#include <vector>

#include "bench/gpu/words.h"
#include "ort/session.h"

namespace sess::bench {

/** The command line of gpu_explain. */
struct Options {
  std::string library, path;
  bool onCuda = true;
  ort::Precision precision = ort::Precision::fp32;
  std::int64_t batch = 0;  // what the library would take
  int threads = static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
  int trials = 9;
  int explanations = 200;
};

/** Throws Code::optionInvalid. */
inline Options readOptions(const std::vector<std::string>& arguments) {
  Options options;
  std::vector<std::string> files;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const std::string& name = arguments[i];
    if (name.rfind("--", 0) != 0) {
      files.push_back(name);
      continue;
    }
    Words value(++i < arguments.size() ? std::string_view(arguments[i]) : "", name);
    const auto count = [&value](std::int64_t least) { return static_cast<int>(value.integer(least, 1 << 16)); };
    if (name == "--device") {
      options.onCuda = value.choice<bool>({{"cuda", true}, {"cpu", false}});
    } else if (name == "--precision") {
      options.precision =
          value.choice<ort::Precision>({{"fp32", ort::Precision::fp32}, {"tf32", ort::Precision::tf32}});
    } else if (name == "--batch") {
      options.batch = count(1);
    } else if (name == "--threads") {
      options.threads = count(1);
    } else if (name == "--trials") {
      options.trials = count(0);
    } else if (name == "--explanations") {
      options.explanations = count(0);
    } else {
      value.fail("there is no such option");
    }
    value.end();
  }
  if (files.size() != 2) throw Error(Code::optionInvalid, "gpu_explain LIBRARY FILE.case [--device cuda|cpu] ...");
  options.library = files[0];
  options.path = files[1];
  return options;
}

}  // namespace sess::bench
