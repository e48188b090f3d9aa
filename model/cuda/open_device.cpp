// SPDX-License-Identifier: Apache-2.0
#include "model/cuda/open_device.h"

#include <dlfcn.h>

#include <filesystem>
#include <optional>

#include "base/error.h"

namespace moesim::model::cuda {
namespace {

namespace fs = std::filesystem;

constexpr const char* kLibrary = "libmoesim_cuda.so";
constexpr const char* kMachine =
    "run on a machine with an NVIDIA GPU of compute capability 8.0 or later and its driver";
constexpr const char* kUseProcessor = "use --backend cpu, or ";

base::Error no_device(const std::string& what, const std::string& remedy) {
  return {"--backend", what, kUseProcessor + remedy};
}

// Beside the program where it was built, in ../lib/moesim where it was installed.
std::optional<fs::path> library_file() {
  std::error_code failure;
  const fs::path program = fs::read_symlink("/proc/self/exe", failure).parent_path();
  for (const fs::path& folder : {program, program.parent_path() / "lib" / "moesim"}) {
    if (fs::exists(folder / kLibrary, failure)) return folder / kLibrary;
  }
  return std::nullopt;
}

OpenDevice load(const fs::path& file) {
  void* const library = dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
  void* const open = library != nullptr ? dlsym(library, kOpenDevice) : nullptr;
  if (open == nullptr) {
    const char* const why = dlerror();
    throw no_device("the CUDA library cannot be loaded: " + std::string(why == nullptr ? "" : why),
                    "put the CUDA runtime's libraries (cuBLAS) into LD_LIBRARY_PATH");
  }
  return reinterpret_cast<OpenDevice>(open);
}

}  // namespace

std::unique_ptr<Device> open_device(const fs::path& library) {
  char reason[512] = "";
  Device* device = nullptr;
  load(library)(&device, reason, sizeof(reason));
  if (device == nullptr) {
    throw no_device("no CUDA device: " + std::string(reason), kMachine);
  }
  return std::unique_ptr<Device>(device);
}

namespace {

// A look that costs nothing, before the library brings cuBLAS with it.
void require_driver() {
  static void* const driver = dlopen("libcuda.so.1", RTLD_LAZY | RTLD_LOCAL);
  if (driver == nullptr)
    throw no_device("no CUDA device: driver not found (libcuda.so.1)", kMachine);
}

}  // namespace

std::unique_ptr<Device> open_device() {
  const std::optional<fs::path> file = library_file();
  if (!file) {
    throw no_device("this moesim was built without CUDA",
                    "install the CUDA toolkit (12.4 or later) where cmake finds nvcc (PATH, "
                    "CUDA_HOME) and build again");
  }
  require_driver();
  return open_device(*file);
}

std::unique_ptr<Device> find_device(std::string& reason) {
  try {
    return open_device();
  } catch (const base::Error& error) {
    reason = error.message();
    return nullptr;
  }
}

}  // namespace moesim::model::cuda
