// SPDX-License-Identifier: Apache-2.0
#include "model/cuda/backend_choice.h"

#include <algorithm>

#include "base/error.h"
#include "model/cuda/open_device.h"

namespace moesim::model::cuda {

namespace {

bool is_backend(const std::string& name) {
  const std::vector<std::string>& names = backend_names();
  return std::find(names.begin(), names.end(), name) != names.end();
}

ProductMode products_of(const std::string& name) {
  if (name == "cuda:fp32") return ProductMode::library_fp32;
  if (name == "cuda:tf32") return ProductMode::library_tf32;
  return name == "cuda:bf16" ? ProductMode::bf16 : ProductMode::in_order;
}

}  // namespace

const std::vector<std::string>& backend_names() {
  static const std::vector<std::string> names = {"auto",      "cpu",       "cuda",
                                                 "cuda:fp32", "cuda:tf32", "cuda:bf16"};
  return names;
}

BackendChoice choose_backend(const std::string& name) {
  BackendChoice choice;
  choice.description = "cpu";
  if (name == "cpu") return choice;
  if (name.starts_with("cuda") && is_backend(name)) {
    choice.device = open_device();
    choice.device->use_products(products_of(name));
  } else if (name == "auto") {
    std::string reason;
    choice.device = find_device(reason);
    if (choice.device == nullptr) choice.description += " (" + reason + ")";
  } else {
    const std::string near = base::did_you_mean(name, backend_names());
    throw base::Error(
        "--backend", "no backend is named \"" + name + "\"",
        near.empty() ? "use auto, cpu, cuda, cuda:fp32, cuda:tf32 or cuda:bf16" : near);
  }
  if (choice.device != nullptr)
    choice.description = (name == "auto" ? "cuda" : name) + " (" + choice.device->name() + ")";
  return choice;
}

}  // namespace moesim::model::cuda
