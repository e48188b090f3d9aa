// SPDX-License-Identifier: Apache-2.0
// The "sweep" section as a field of a file: what editors and the reference page know of it. Its
// values are read from the document's tree by axes.h and exclusions.h.
#pragma once

#include "base/field_codec.h"
#include "base/json_value.h"

namespace moesim::experiments {

struct SweepSection {
  base::JsonValue tree = base::json_object();
};

base::CodecPtr make_codec(base::Type<SweepSection>);

}  // namespace moesim::experiments
