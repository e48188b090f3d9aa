// SPDX-License-Identifier: Apache-2.0
// What a search has found, as text for people and as search.json holds it (docs/file_formats.md,
// "Search").
#pragma once

#include <string>

#include "base/json_value.h"
#include "experiments/search/search.h"

namespace moesim::experiments {

std::string search_text(const Sweep& sweep, const SearchOutcome& outcome);
base::JsonValue search_json(const Sweep& sweep, const SearchOutcome& outcome);

}  // namespace moesim::experiments
