// SPDX-License-Identifier: Apache-2.0
// The axes of a "sweep" section. An axis sets one key, or several in lockstep.
//
//   "router.capacity_factor": [1.0, 1.25]             an axis of one key (axis_values.h)
//   "zip": [{"a.b": [1, 2], "c.d": [3, 4]}]           one axis: (1, 3), (2, 4)
//   "cases": [{"a.b": 1}, {"a.b": 2, "c.d": 3}]       one axis: what is listed
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/json_value.h"

namespace moesim::experiments {

// What one point takes from an axis: keys and values.
using Setting = std::vector<std::pair<std::string, base::JsonValue>>;

struct Axis {
  std::string where;              // its place and pointer
  std::vector<std::string> keys;  // of all settings
  std::vector<Setting> settings;
  // Of an axis without settings: the one at a share u in [0, 1).
  std::function<Setting(double u)> quantile;

  Setting at_share(double u) const;
};

// True of a swept key that repeats a configuration instead of changing it: "router.seed",
// "cluster.ecmp_seed".
bool is_seed(const std::string& key);

// In the document's order. `sweep` is null, or the section; its "exclude" and "sample" are left to
// others. Throws base::Error where the section is malformed and where two axes set one key.
std::vector<Axis> read_axes(const base::JsonValue* sweep);

// Puts `--sweep KEY=VALUES` into the document: VALUES is a list or rule in JSON, or texts between
// commas, each read as JSON where it parses and else taken as a string. A key that is swept already
// gets these values in their place. Throws base::Error at the flag.
void add_axis(base::JsonValue& document, const std::string& assignment);

// "sample": {"method": "random" | "latin_hypercube", "count": 100, "seed": 0}
struct Sample {
  bool is_stratified = false;  // Latin hypercube: each axis' count strata hold one draw each
  std::size_t count = 0;
  std::uint64_t seed = 0;
};
std::optional<Sample> read_sample(const base::JsonValue* sweep);

// [points][axes] the settings of all points: all combinations, the last axis fastest, or the
// sample's draws (McKay, Beckman and Conover 1979 where it is stratified), each combination once.
// Throws base::Error for more than 100,000 points, and for an axis without settings where nothing
// is sampled.
std::vector<std::vector<Setting>> combine(const std::vector<Axis>& axes,
                                          const std::optional<Sample>& sample);

}  // namespace moesim::experiments
