// SPDX-License-Identifier: Apache-2.0
// Any text as character data of XML and SVG.
#pragma once

#include <string>

namespace moesim::base {

// The text with & < > as entities; quotes stay as they are.
std::string xml_escaped(const std::string& text);

}  // namespace moesim::base
