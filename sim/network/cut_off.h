// SPDX-License-Identifier: Apache-2.0
// The verdict where a change of the cluster has left two ends of a collective without a route.
#pragma once

#include <string>

#include "base/error.h"
#include "base/units.h"
#include "sim/collectives/collective.h"

namespace moesim::sim {

// What `work` returns. A base::Error that it throws becomes the verdict when the cluster has
// changed (`cause` is not empty): which collective, when, after what.
template <class Work>
auto or_cut_off(const Work& work, const Collective& collective, base::Seconds now,
                const std::string& cause) {
  try {
    return work();
  } catch (const base::Error& error) {
    if (cause.empty()) throw;
    throw base::Error("/faults",
                      "the cluster is cut in two: " + error.message() + ", which \"" +
                          collective.name + "\" needs at " + base::to_short_text(now) + ", after " +
                          cause,
                      "give the fabric another path, or end the fault before");
  }
}

}  // namespace moesim::sim
