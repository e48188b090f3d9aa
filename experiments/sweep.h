// SPDX-License-Identifier: Apache-2.0
// Expands an experiment into the points that are simulated, each complete in itself.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/json_value.h"
#include "experiments/experiment.h"

namespace moesim::experiments {

struct Point {
  std::string id;     // hash of the resolved configuration and version
  std::string label;  // "router.capacity_factor=1.0"; "" without a sweep
  std::map<std::string, base::JsonValue> swept;
  std::shared_ptr<const base::JsonValue> document;  // the file's tree, which all points share
  Experiment experiment;
  std::string resolved_config;  // every default filled in; without the sweep
  std::vector<std::string> warnings;
  std::string skip_reason;  // why it cannot run; "" when it can
};

// All combinations of the sweep's values in order, the last key fastest; one point without a sweep.
// A point that cannot be (top-k above experts, ...) is skipped with its reason; where no point can,
// the first one's is an Error. Throws base::Error also for an empty list of values or more than
// 100,000 points.
std::vector<Point> expand(const base::JsonValue& document);

// An error that names a JSON pointer or a file of the point's alone, completed with the place in
// the file, flag or sweep that the point has its value from.
base::Error placed_error(const Point& point, const base::Error& error);

}  // namespace moesim::experiments
