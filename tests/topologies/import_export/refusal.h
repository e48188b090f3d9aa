// SPDX-License-Identifier: Apache-2.0
// The error with which a format's reader refuses a text.
#pragma once

#include <string>
#include <string_view>

#include "tests/base/thrown_error.h"
#include "topologies/import_export/import_export.h"

namespace moesim::testing {

inline base::Error refusal(topologies::Format format, std::string_view text) {
  return base::thrown_error([&] { topologies::cluster_from_text(text, format, "file"); });
}

// The text with the first `from` replaced.
inline std::string with(std::string text, const std::string& from, const std::string& to) {
  const std::size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

}  // namespace moesim::testing
