#pragma once

#include <charconv>
#include <cmath>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

#include "core/error.h"

namespace sess::bench {

/** The words of one line, read one after the other. Throws Code::optionInvalid that names the place. */
class Words {
 public:
  Words(std::string_view line, std::string place) : left_(line), place_(std::move(place)) {}

  [[noreturn]] void fail(const std::string& what) const { throw Error(Code::optionInvalid, place_ + ": " + what); }

  std::string_view word() {
    const std::size_t end = std::min(left_.find(' '), left_.size());
    const std::string_view found = left_.substr(0, end);
    if (found.empty()) fail("a word is missing");
    left_.remove_prefix(std::min(end + 1, left_.size()));
    return found;
  }

  std::int64_t integer(std::int64_t least, std::int64_t most) {
    const auto value = parsed<std::int64_t>();
    if (value < least || value > most) {
      fail(std::to_string(value) + " is not between " + std::to_string(least) + " and " + std::to_string(most));
    }
    return value;
  }

  double real(double least, double most) {
    const auto value = parsed<double>();
    if (!(value >= least && value <= most)) fail(std::to_string(value) + " is out of range");
    return value;
  }

  template <class T>
  T choice(std::initializer_list<std::pair<std::string_view, T>> choices) {
    const std::string_view found = word();
    for (const auto& [spelling, value] : choices) {
      if (spelling == found) return value;
    }
    fail(quoted(found) + " is none of the choices");
  }

  /** All that is left, spaces included: a tensor's name. */
  std::string rest() {
    if (left_.empty()) fail("a name is missing");
    return std::string(std::exchange(left_, {}));
  }

  /** The name of a file beside the case. */
  std::string file() {
    std::string name = rest();
    if (name.find('/') != std::string::npos || name == "." || name == "..")
      fail(quoted(name) + " is no plain file name");
    return name;
  }

  void end() const {
    if (!left_.empty()) fail(quoted(left_) + " is too much");
  }

 private:
  static std::string quoted(std::string_view text) {
    std::string out(1, '"');  // not "\"" + ...: GCC 12 warns of its own string's copy
    return out.append(text).append(1, '"');
  }

  template <class T>
  T parsed() {
    const std::string_view text = word();
    T value{};
    const auto [last, fault] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (fault != std::errc{} || last != text.data() + text.size()) fail(quoted(text) + " is no number");
    return value;
  }

  std::string_view left_;
  std::string place_;
};

}  // namespace sess::bench
