// SPDX-License-Identifier: Apache-2.0
// Lines and quantities for pages of text.
#pragma once

#include <fmt/format.h>

#include <cmath>
#include <iterator>
#include <string>

namespace moesim::experiments {

class Page {
 public:
  template <class... Arguments>
  void line(fmt::format_string<Arguments...> format, Arguments&&... arguments) {
    fmt::format_to(std::back_inserter(text_), format, std::forward<Arguments>(arguments)...);
    text_.push_back('\n');
  }
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

// "12.345 ms", "1.234 s", "-3.4 us"; `sign` for differences.
inline std::string time_text(double seconds, bool sign = false) {
  const double size = std::abs(seconds);
  const char* unit = size >= 1 ? "s" : size >= 1e-4 || size == 0 ? "ms" : "us";
  const double number = seconds * (size >= 1 ? 1 : size >= 1e-4 || size == 0 ? 1e3 : 1e6);
  return sign ? fmt::format("{:+.3f} {}", number, unit) : fmt::format("{:.3f} {}", number, unit);
}

}  // namespace moesim::experiments
