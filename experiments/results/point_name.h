// SPDX-License-Identifier: Apache-2.0
// How commands name a point: RUN:3 or RUN:1f0c5a9be442, by its index in the sweep or by its id.
#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>

namespace moesim::experiments {

struct PointName {
  std::filesystem::path path;  // a run's folder or an experiment's file
  std::string point;           // "" where none is named
};

// What stands before and behind the last colon; all of it is the path where that names something,
// and where nothing stands on one of the colon's sides.
PointName parse_point_name(const std::string& argument);

// The place in `points`, which have `index` and `id`; none where there is no such point.
template <class Points>
std::optional<std::size_t> find_point(const Points& points, const std::string& name) {
  for (std::size_t i = 0; i < points.size(); ++i) {
    if (std::to_string(points[i].index) == name || points[i].id == name) return i;
  }
  return std::nullopt;
}

}  // namespace moesim::experiments
