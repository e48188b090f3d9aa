// SPDX-License-Identifier: Apache-2.0
// Point to point: a message, and the ring of messages that nccl-tests call sendrecv.
#pragma once

#include <span>
#include <vector>

#include "sim/collectives/collective.h"

namespace moesim::sim {

// One message: alpha + bytes / B.
Collective send(int source, int destination, base::Bytes bytes);

// Every rank sends its buffer, `sizes` [ranks], to the next of `ranks` and receives that of the one
// before; two ranks swap. Throws base::Error naming the ranks where the sizes differ.
Collective send_recv(const std::vector<int>& ranks, std::span<const base::Bytes> sizes);

}  // namespace moesim::sim
