// SPDX-License-Identifier: Apache-2.0
// Lines and quantities for pages of text.
#pragma once

#include <fmt/format.h>

#include <cmath>
#include <string>

#include "base/text_page.h"

namespace moesim::experiments {

using Page = base::TextPage;

// "12.345 ms", "1.234 s", "-3.4 us"; `sign` for differences.
inline std::string time_text(double seconds, bool sign = false) {
  const double size = std::abs(seconds);
  const char* unit = size >= 1 ? "s" : size >= 1e-4 || size == 0 ? "ms" : "us";
  const double number = seconds * (size >= 1 ? 1 : size >= 1e-4 || size == 0 ? 1e3 : 1e6);
  return sign ? fmt::format("{:+.3f} {}", number, unit) : fmt::format("{:.3f} {}", number, unit);
}

}  // namespace moesim::experiments
