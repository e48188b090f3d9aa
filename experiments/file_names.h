// SPDX-License-Identifier: Apache-2.0
// Which keys of an experiment or a training file name files, and where those files are looked for:
// beside the file that the name is written in; of a flag's value, from the working directory.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/json_value.h"

namespace moesim::experiments {

// The path that the value names, seen from the working directory.
std::filesystem::path resolve_path(const base::JsonValue& value);

// True of cluster.file, model.hf_config, routing.trace, routing.proxy.text, a training file's text,
// and an accelerator's cost_table that is no preset; of the same keys in jobs and node groups;
// where the value is a text that is not empty. `key` is dotted from the document's root:
// "jobs.1.routing.trace". What stands in `sources` names none.
bool names_file(std::string_view key, const base::JsonValue& value);

struct NamedFile {
  std::string key;  // dotted
  const base::JsonValue* value;
};

// What names a file in the value at `key` ("": the document), itself among it, in its order.
// The values are those of `value`, which outlives what is returned.
std::vector<NamedFile> files_named_in(std::string_view key, const base::JsonValue& value);

// The value with every name of a file in it absolute and without "." and "..": it means the same
// wherever it is put, and once it has lost its place.
base::JsonValue resolve_files(std::string_view key, base::JsonValue value);

// "/jobs/1/routing/trace" of "jobs.1.routing.trace".
std::string pointer_of_key(std::string_view key);

}  // namespace moesim::experiments
