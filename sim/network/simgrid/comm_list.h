// SPDX-License-Identifier: Apache-2.0
// Keeps SimGrid's bookkeeping of messages linear, see comm_list.cpp.
#pragma once

namespace moesim::sim {

// Whether this version of SimGrid is relieved of its list. Calling it links the relief in.
bool skips_comm_list();

}  // namespace moesim::sim
