// SPDX-License-Identifier: Apache-2.0
#include "model/surgery/expert_plan.h"

#include <algorithm>
#include <numeric>
#include <string>

#include "base/check.h"
#include "base/error.h"

namespace moesim::model {
namespace {

bool is_grouped(const RouterConfig& router) {
  return (router.type == RouterType::group_limited || router.type == RouterType::two_level) &&
         router.n_group > 1;
}

std::vector<NewExpert> identity(int experts) {
  std::vector<NewExpert> list(experts);
  for (int e = 0; e < experts; ++e) list[e].source = e;
  return list;
}

void require_known(int expert, int num_experts) {
  if (expert >= 0 && expert < num_experts) return;
  throw base::Error("experts", "there is no expert " + std::to_string(expert),
                    "use 0 to " + std::to_string(num_experts - 1));
}

std::vector<int> sizes_of(const MoeGptConfig& config, const std::vector<NewExpert>& experts) {
  const std::vector<int> old = config.expert_sizes();
  std::vector<int> sizes;
  for (const NewExpert& expert : experts) {
    if (expert.source == NewExpert::kFresh) {
      sizes.push_back(config.moe_intermediate_size);
      continue;
    }
    require_known(expert.source, config.router.num_experts);
    sizes.push_back(old[expert.source]);
  }
  return sizes;
}

// A router's groups are runs of equally many experts; a copy stays in its source's.
void check_groups(const RouterConfig& router, const std::vector<NewExpert>& experts) {
  if (!is_grouped(router)) return;
  const auto count = static_cast<int>(experts.size());
  const int old_group = router.num_experts / router.n_group;
  for (int e = 0; e < count && count % router.n_group == 0; ++e) {
    const int source = experts[e].source;
    if (source == NewExpert::kFresh || source / old_group == e / (count / router.n_group)) continue;
    throw base::Error("experts",
                      "expert " + std::to_string(source) + " would leave its group of experts",
                      "change every group by as many experts");
  }
}

// The `kept` experts of [first, end) with the largest usage, ascending.
std::vector<int> most_used(std::span<const std::int64_t> usage, int first, int end, int kept) {
  std::vector<int> experts(end - first);
  std::iota(experts.begin(), experts.end(), first);
  std::stable_sort(experts.begin(), experts.end(),
                   [&](int a, int b) { return usage[a] > usage[b]; });
  experts.resize(kept);
  std::sort(experts.begin(), experts.end());
  return experts;
}

std::vector<std::int64_t> sum_of_layers(std::span<const std::vector<std::int64_t>> usage) {
  std::vector<std::int64_t> sum(usage.front().size(), 0);
  for (const std::vector<std::int64_t>& layer : usage) {
    for (std::size_t e = 0; e < sum.size(); ++e) sum[e] += layer[e];
  }
  return sum;
}

}  // namespace

ExpertPlan plan_to_keep(const MoeGptConfig& config) {
  return ExpertPlan(config.num_moe_layers(), identity(config.router.num_experts));
}

ExpertPlan plan_to_add(const MoeGptConfig& config, std::span<const NewExpert> added) {
  ExpertPlan plan = plan_to_keep(config);
  for (auto& layer : plan) layer.insert(layer.end(), added.begin(), added.end());
  return plan;
}

ExpertPlan plan_to_remove(const MoeGptConfig& config, std::span<const int> removed) {
  for (const int expert : removed) require_known(expert, config.router.num_experts);
  ExpertPlan plan = plan_to_keep(config);
  for (auto& layer : plan) {
    std::erase_if(layer, [&](const NewExpert& expert) {
      return std::find(removed.begin(), removed.end(), expert.source) != removed.end();
    });
  }
  return plan;
}

ExpertPlan plan_to_prune(const MoeGptConfig& config,
                         std::span<const std::vector<std::int64_t>> usage, int kept) {
  const int experts = config.router.num_experts;
  const int groups = is_grouped(config.router) ? config.router.n_group : 1;
  if (kept < 1 || kept > experts || kept % groups != 0) {
    throw base::Error("experts",
                      "a layer of " + std::to_string(experts) + " experts in " +
                          std::to_string(groups) + " groups cannot keep " + std::to_string(kept),
                      "use a multiple of the groups up to the number of experts");
  }
  CHECK(static_cast<int>(usage.size()) == config.num_moe_layers(), "every MoE layer has its usage");
  const std::vector<std::int64_t> of_all_layers = sum_of_layers(usage);
  ExpertPlan plan;
  for (const std::vector<std::int64_t>& of_layer : usage) {
    CHECK(static_cast<int>(of_layer.size()) == experts, "every expert has its usage");
    const auto& counts = config.expert_intermediate_sizes.empty() ? of_layer : of_all_layers;
    std::vector<NewExpert>& layer = plan.emplace_back();
    for (int group = 0; group < groups; ++group) {
      const int first = experts / groups * group;
      const int end = first + experts / groups;
      for (const int expert : most_used(counts, first, end, kept / groups)) {
        layer.push_back({.source = expert});
      }
    }
  }
  return plan;
}

MoeGptConfig changed_config(const MoeGptConfig& config, const ExpertPlan& plan) {
  CHECK(static_cast<int>(plan.size()) == config.num_moe_layers(),
        "a plan speaks of every MoE layer");
  if (plan.empty()) {
    throw base::Error("experts", "the model has no MoE layer", "use a model with experts");
  }
  const std::vector<int> sizes = sizes_of(config, plan.front());
  for (const std::vector<NewExpert>& layer : plan) {
    check_groups(config.router, layer);
    if (sizes_of(config, layer) == sizes) continue;
    throw base::Error("experts", "the layers' experts would differ in number or size",
                      "give every layer experts of the same sizes");
  }
  MoeGptConfig changed = config;
  changed.router.num_experts = static_cast<int>(sizes.size());
  changed.expert_intermediate_sizes = sizes;
  const bool alike = std::all_of(sizes.begin(), sizes.end(),
                                 [&](int size) { return size == config.moe_intermediate_size; });
  if (alike) changed.expert_intermediate_sizes.clear();
  validate(changed, "");
  return changed;
}

}  // namespace moesim::model
