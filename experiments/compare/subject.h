// SPDX-License-Identifier: Apache-2.0
// A point that somebody asks about: with its inputs, and with its figures where it has been run.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "experiments/experiment.h"
#include "sim/report/result.h"

namespace moesim::experiments {

struct Subject {
  std::string argument;                // as the user named it
  std::string title;                   // "name (label)"
  std::string moesim;                  // version and commit that made the figures; "" without
  base::JsonValue config;              // every key in use with its value, presets resolved
  Experiment experiment;               // the same, read
  std::optional<sim::Result> figures;  // of the run's folder
};

// `argument` is a run's folder (or an experiment's, of which it takes the latest run), an
// experiment file, or either with ":POINT", the index or the id of a sweep's point. `assignments`
// are those of --set. Throws base::Error at `flag` where it is none of these, where it has several
// points and none is named, where the point failed or was skipped; at the first assignment where it
// is a run's folder; and what reading throws.
Subject read_subject(const std::string& argument, const std::vector<std::string>& assignments,
                     const std::string& flag);

// Where the figures of the run's folder are not what the same inputs give now, a sentence that says
// so, with what the compute times were of where that is another table. `name` is what it calls the
// run; `..._now` are a result's keys.
std::optional<std::string> age_warning(const Subject& subject, const std::string& name,
                                       double step_time_now_s, const std::string& cost_source_now);

}  // namespace moesim::experiments
