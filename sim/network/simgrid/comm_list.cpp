// SPDX-License-Identifier: Apache-2.0
// SimGrid 3.32 keeps every host-to-host communication in one list of its main actor and walks all
// of it whenever one ends: quadratic, nine tenths of the time of 16,000 messages. Entering them
// there is all that CommImpl::detach() does for us, since nobody waits for them and the engine
// holds them until they have ended. The library calls it through the dynamic linker, which finds
// this one first. Later versions hold a set; there, nothing is replaced.
#include "sim/network/simgrid/comm_list.h"

#include <simgrid/forward.h>
#include <simgrid/version.h>

namespace moesim::sim {

bool skips_comm_list() { return SIMGRID_VERSION_MAJOR == 3 && SIMGRID_VERSION_MINOR == 32; }

}  // namespace moesim::sim

#if SIMGRID_VERSION_MAJOR == 3 && SIMGRID_VERSION_MINOR == 32
// CommImpl* CommImpl::detach(), Itanium C++ ABI.
extern "C" void* _ZN7simgrid6kernel8activity8CommImpl6detachEv(void* self) { return self; }
#endif
