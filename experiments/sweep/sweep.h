// SPDX-License-Identifier: Apache-2.0
// Expands an experiment into the points that are simulated. A point is cheap until it is read:
// 100,000 of them fit into memory, and each is read where it runs.
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/json_value.h"
#include "experiments/experiment.h"

namespace moesim::experiments {

struct Point {
  std::size_t index = 0;  // in the sweep, from 0
  std::string id;         // identity.h
  std::string label;      // "router.capacity_factor=1.0"; "" without a sweep
  std::map<std::string, base::JsonValue> swept;
  std::string excluded;  // why the sweep leaves it out; "" if it does not
};

struct Sweep {
  std::shared_ptr<const base::JsonValue> document;  // the file's tree, with its "sweep"
  std::string name;
  std::string question;
  std::vector<std::string> axes;      // swept keys in the file's order
  std::vector<Objective> objectives;  // in the file's order
  Constraints constraints;
  bool wants_report = false;
  std::vector<Point> points;
  bool has_point_folders = true;  // outputs.points, of the first point that can be read

  bool is_lone() const { return points.size() == 1; }
};

// What a point says when it is read.
struct ReadPoint {
  Experiment experiment;
  std::string resolved_config;  // every default filled in; without the sweep
  std::vector<base::ReadWarning> warnings;
};

// The combinations of the sweep's values in order (sweep_values.h); one point without a sweep.
// Throws base::Error for a malformed sweep, one of more than 100,000 points, and where no point can
// be read: the first one's error.
Sweep expand(const base::JsonValue& document);

// Throws base::Error, placed where the point has the value from, where the point cannot be (top-k
// above experts, ...) or is left out by the sweep.
ReadPoint read_point(const Sweep& sweep, const Point& point);

struct FirstPoint {
  const Point& point;
  ReadPoint read;
};

// The first point that can be read. Throws the first point's error where none can.
FirstPoint first_point(const Sweep& sweep);

// An error that names a JSON pointer or a file of the point's alone, completed with the place in
// the file, flag or sweep that the point has its value from.
base::Error placed_error(const Sweep& sweep, const Point& point, const base::Error& error);

// "name (label)", for people.
std::string title_of(const Sweep& sweep, const Point& point);

}  // namespace moesim::experiments
