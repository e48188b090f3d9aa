// SPDX-License-Identifier: Apache-2.0
// What a report shows of single points beyond their figures: layers, links, warnings.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "base/json_value.h"
#include "experiments/objectives.h"
#include "experiments/results/stored_run.h"

namespace moesim::experiments {

// Of the objectives those that the run has figures of, in their order; where it has none of them,
// tokens_per_s_per_gpu high, drop_rate low and validation_loss low.
std::vector<Objective> shown_objectives(const StoredRun& run, const std::vector<Objective>& wanted);

// At most `count` rows of StoredRun::points, the best first and the earlier of equals.
std::vector<std::size_t> best_points(const StoredRun& run, const Objective& objective,
                                     std::size_t count);

// Rows of StoredRun::points, ascending, whose details are worth their bytes: all of at most 200
// points, else the ten best for each objective.
std::vector<std::size_t> detailed_points(const StoredRun& run,
                                         const std::vector<Objective>& objectives);

// The members of the row that are no figures and that a page shows: routing_source, deciding_tier,
// hottest_links, link_tiers, jobs, warnings and the layers' loads as [max_over_mean, ...].
base::JsonValue details_of(const base::JsonValue& row);

// Where each point's routing came from: an entry per point, null where it has no figures. Rows are
// read for one point of each combination of the swept keys that can change the answer.
std::vector<base::JsonValue> routing_sources(const StoredRun& run);

}  // namespace moesim::experiments
