// SPDX-License-Identifier: Apache-2.0
// Finds the CUDA device: in a library of its own, libmoesim_cuda.so, that is loaded when a device
// is asked for, so that the program starts without CUDA and its 600 MB of cuBLAS.
#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <string>

#include "model/cuda/device.h"

namespace moesim::model::cuda {

// The machine's first CUDA device. Throws base::Error, its place "--backend", where this build has
// no CUDA, its library cannot be loaded, or there is no device that it can use.
std::unique_ptr<Device> open_device();

// The same of a library that lies elsewhere than beside the program.
std::unique_ptr<Device> open_device(const std::filesystem::path& library);

// The same; nothing, and why in `reason`, where there is none.
std::unique_ptr<Device> find_device(std::string& reason);

// What the library exports: writes a device that the caller deletes, or null and why, as text of at
// most `size` bytes, its end included.
using OpenDevice = void (*)(Device** device, char* reason, std::size_t size);
inline constexpr const char* kOpenDevice = "moesim_open_cuda_device";

}  // namespace moesim::model::cuda
