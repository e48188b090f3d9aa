// SPDX-License-Identifier: Apache-2.0
// What a figure of a result may be, as experiment files and flags write it: a number in the
// figure's own unit, or a quantity as elsewhere in the file ("80 GiB", "2 ms").
#pragma once

#include <optional>
#include <string>

#include "base/json_reader.h"

namespace moesim::experiments {

struct FigureBound {
  base::JsonValue written;  // number or string, with its place
};
base::CodecPtr make_codec(base::Type<FigureBound>);

struct WrittenBounds {
  std::optional<FigureBound> min;
  std::optional<FigureBound> max;
};
void describe(base::FieldTable& table, WrittenBounds& bounds);

// The bound in the figure's unit, which its dotted key says: seconds of what ends in "_s" (but not
// "per_s"), bytes of what has "bytes" in it, 1e9 B/s of "gbps", 1e12 FLOP/s of "tflops". Throws
// base::Error at `where` for a quantity of another kind, or of a figure that has no unit.
double bound_in_unit(const std::string& figure, const FigureBound& bound, const std::string& where);

}  // namespace moesim::experiments
