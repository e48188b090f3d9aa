// SPDX-License-Identifier: Apache-2.0
// The collective that a measured case ran, as messages.
#pragma once

#include "experiments/validation/measured_case.h"
#include "sim/collectives/collective.h"
#include "sim/collectives/participants.h"
#include "topologies/routing.h"

namespace moesim::experiments {

// `plan` is the case's routing; null for operations that route nothing. Throws base::Error at the
// case's id for an algorithm that the operation does not have.
sim::Collective collective_of(const MeasuredCase& measured, const sim::Group& group,
                              const sim::DispatchPlan* plan, topologies::Router& router);

}  // namespace moesim::experiments
