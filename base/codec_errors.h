// SPDX-License-Identifier: Apache-2.0
// How the codecs word what they refuse. Inner to base.
#pragma once

#include <functional>
#include <string>

#include "base/field_codec.h"

namespace moesim::base {

// The value as a message names it: `8`, `the string "8"`, `a list`.
std::string found_text(const JsonValue& value);

[[noreturn]] void fail_type(const JsonValue& value, const ReadContext& context,
                            const std::string& expected, const std::string& hint = {});

// A double in its shortest form.
std::string number_text(double value);

using BoundText = std::function<std::string(double)>;

// "above 0, at most 1"; "" without bounds.
std::string bounds_text(const Bounds& bounds, const BoundText& text);

// Throws Error at the value's place when `number` is out of the context's bounds.
void check_bounds(double number, const JsonValue& value, const ReadContext& context,
                  const BoundText& text);

}  // namespace moesim::base
