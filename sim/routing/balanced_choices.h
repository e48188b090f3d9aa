// SPDX-License-Identifier: Apache-2.0
// A batch whose experts are all chosen equally often, as near as can be to one that is given.
#pragma once

#include "model/router/routing_batch.h"

namespace moesim::sim {

// Changes choices until every expert has the same number of pairs: N pairs give each expert
// floor(N / E), and one more to the N mod E experts from `first_extra` on, counting on from the
// last to the first. Of an expert's pairs the earliest stay; those beyond its share go, in the
// order of tokens, to experts in turn that have room and that the token does not have. A batch in
// which every expert has its share is left as it is. Nothing is dropped afterwards; weights stay
// with their slots.
void balance_choices(model::RoutingBatch& batch, int first_extra);

// Every pair that was chosen is kept.
void undo_drops(model::RoutingBatch& batch);

}  // namespace moesim::sim
