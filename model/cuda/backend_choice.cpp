// SPDX-License-Identifier: Apache-2.0
#include "model/cuda/backend_choice.h"

#include <algorithm>
#include <array>

#include "base/error.h"
#include "base/named_table.h"
#include "model/cuda/open_device.h"

namespace moesim::model::cuda {

namespace {

struct DeviceBackend {
  ProductMode id;
  const char* name;
};

constexpr std::array kDeviceBackends = {
    DeviceBackend{ProductMode::in_order, "cuda"},
    DeviceBackend{ProductMode::library_fp32, "cuda:fp32"},
    DeviceBackend{ProductMode::library_tf32, "cuda:tf32"},
    DeviceBackend{ProductMode::bf16, "cuda:bf16"},
};

// Null: no backend on a device is called so.
const DeviceBackend* device_backend(const std::string& name) {
  const auto* const found =
      std::find_if(kDeviceBackends.begin(), kDeviceBackends.end(),
                   [&](const DeviceBackend& backend) { return backend.name == name; });
  return found == kDeviceBackends.end() ? nullptr : found;
}

// "use auto, cpu, ... or cuda:bf16".
std::string all_names() {
  const std::vector<std::string>& names = backend_names();
  std::string text = "use " + names.front();
  for (std::size_t i = 1; i < names.size(); ++i) {
    text += (i + 1 == names.size() ? " or " : ", ") + names[i];
  }
  return text;
}

}  // namespace

const std::vector<std::string>& backend_names() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> all = {"auto", "cpu"};
    for (const DeviceBackend& backend : kDeviceBackends) all.emplace_back(backend.name);
    return all;
  }();
  return names;
}

const char* backend_of(ProductMode mode) { return base::row_of(kDeviceBackends, mode).name; }

std::string arithmetic_of(const std::string& name) {
  const DeviceBackend* const backend = device_backend(name);
  const bool is_own = backend != nullptr && backend->id != ProductMode::in_order;
  return is_own ? name : kProcessorArithmetic;
}

BackendChoice choose_backend(const std::string& name) {
  BackendChoice choice;
  choice.description = "cpu";
  if (name == "cpu") return choice;
  if (const DeviceBackend* const backend = device_backend(name)) {
    choice.device = open_device();
    choice.device->use_products(backend->id);
  } else if (name == "auto") {
    std::string reason;
    choice.device = find_device(reason);
    if (choice.device == nullptr) choice.description += " (" + reason + ")";
  } else {
    const std::string near = base::did_you_mean(name, backend_names());
    throw base::Error("--backend", "no backend is named \"" + name + "\"",
                      near.empty() ? all_names() : near);
  }
  if (choice.device != nullptr)
    choice.description = (name == "auto" ? "cuda" : name) + " (" + choice.device->name() + ")";
  return choice;
}

}  // namespace moesim::model::cuda
