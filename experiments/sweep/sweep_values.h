// SPDX-License-Identifier: Apache-2.0
// The combinations of values that a file's "sweep" section names, whatever the file describes.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/json_value.h"

namespace moesim::experiments {

struct SweptValues {
  std::string label;  // "router.capacity_factor=1.0"; "" without a sweep
  std::map<std::string, base::JsonValue> values;  // by dotted key
  std::vector<std::string> axes;                  // the keys in the document's order
  std::string excluded;                           // why the sweep leaves it out; "" if it does not
};

// The combinations of the sweep's axes (axes.h) in order, those that it excludes (exclusions.h)
// among them; one without values where there is no sweep. Throws base::Error for a malformed
// section or more than 100,000 combinations.
std::vector<SweptValues> swept_values(const base::JsonValue& document);

// "router.capacity_factor=1.25, router.seed=3": what has a value among the keys, in their order.
std::string label_of(const std::vector<std::string>& keys,
                     const std::map<std::string, base::JsonValue>& values,
                     const char* separator = ", ");

// The label as a part of a file's name: only what every file system takes, at most 100 bytes.
std::string as_file_name(std::string label);

// The document with the values in place and without its sweep. What a swept value makes unused is
// a warning, as with --set, not an error. Files that the values name are looked for where the
// values are written (file_names.h).
base::JsonValue with_swept_values(const base::JsonValue& document,
                                  const std::map<std::string, base::JsonValue>& values);

}  // namespace moesim::experiments
