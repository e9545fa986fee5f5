#pragma once

#include <cmath>
#include <cstdio>
#include <string>
#include <string_view>

namespace sess::bench {

/** One JSON object, field by field. What is not finite becomes null. */
class Json {
 public:
  Json& number(std::string_view key, double value) {
    if (!std::isfinite(value)) return raw(key, "null");
    char text[32];
    (void)std::snprintf(text, sizeof text, std::fabs(value) < 1e15 && value == std::floor(value) ? "%.0f" : "%.6g",
                        value);
    return raw(key, text);
  }
  Json& boolean(std::string_view key, bool value) { return raw(key, value ? "true" : "false"); }
  Json& object(std::string_view key, const Json& value) { return raw(key, value.text()); }
  Json& string(std::string_view key, std::string_view value) { return raw(key, quoted(value)); }

  [[nodiscard]] std::string text() const { return "{" + fields_ + "}"; }

 private:
  Json& raw(std::string_view key, const std::string& value) {
    fields_ += (fields_.empty() ? "" : ", ") + quoted(key) + ": " + value;
    return *this;
  }
  static std::string quoted(std::string_view text) {
    std::string out = "\"";
    for (const char c : text) {
      if (c == '"' || c == '\\') out += '\\';
      out += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
    }
    return out + "\"";
  }

  std::string fields_;
};

}  // namespace sess::bench
