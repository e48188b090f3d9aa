// SPDX-License-Identifier: Apache-2.0
#include "experiments/runs/transport.h"

#include <dlfcn.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "base/error.h"

namespace moesim::experiments {
namespace {

namespace fs = std::filesystem;

constexpr const char* kLibrary = "libmoesim_mpi.so";
// DEEPBIND: libsimgrid, which the program is linked to, exports functions of MPI's names (SMPI's).
constexpr int kMode = RTLD_NOW | RTLD_GLOBAL | RTLD_DEEPBIND;

// Beside the program where it was built, in ../lib/moesim where it was installed.
void* open_library() {
  std::error_code failure;
  const fs::path program = fs::read_symlink("/proc/self/exe", failure).parent_path();
  for (const fs::path& folder : {program, program.parent_path() / "lib" / "moesim"}) {
    if (void* library = dlopen((folder / kLibrary).c_str(), kMode)) return library;
  }
  return nullptr;
}

}  // namespace

int launched_processes() {
  for (const char* name : {"OMPI_COMM_WORLD_SIZE", "PMI_SIZE"}) {
    if (const char* size = std::getenv(name)) return std::max(1, std::atoi(size));
  }
  return 1;
}

std::unique_ptr<Transport> join_launched_processes() {
  if (launched_processes() == 1) return nullptr;
  void* library = open_library();
  void* open = library != nullptr ? dlsym(library, kOpenTransport) : nullptr;
  if (open == nullptr) {
    throw base::Error("mpirun", "this moesim was built without MPI",
                      "install libopenmpi-dev and build again, or run each part by itself: "
                      "--shard 1/4 to 4/4, then moesim merge");
  }
  return std::unique_ptr<Transport>(reinterpret_cast<Transport* (*)()>(open)());
}

}  // namespace moesim::experiments
