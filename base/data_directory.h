// SPDX-License-Identifier: Apache-2.0
// Where the files that ship with the program lie: presets, the catalogue's experiments, the default
// training text. The installed tree under share/moesim mirrors the source tree.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/json_value.h"

namespace moesim::base {

// The first of: $MOESIM_DATA_DIR, <folder of the running binary>/../share/moesim, the source tree
// the binary was built from. Throws Error naming all three when none exists, and when the variable
// is set to something that is no folder.
std::filesystem::path data_directory();

// An object that names a preset, `{"preset": "olmoe-1b-7b", ...}`, becomes the preset's own object
// (<data>/<folder>/<name>.json) with the other members merged over it; the member `preset` stays. A
// preset that a flag or a sweep names comes after the file: its keys replace those the file wrote.
// An object without `preset`, or with an empty one, is returned as it is. Throws Error at the
// name's place for an unknown preset, with did_you_mean over those that exist. Names are letters,
// digits,
// '.', '_' and '-': a preset never leads out of its folder.
JsonValue resolve_preset(const JsonValue& object, const std::string& folder);

// The names (file stems, sorted) of the presets in <data>/<folder>.
std::vector<std::string> preset_names(const std::string& folder);

}  // namespace moesim::base
