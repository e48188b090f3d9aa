// SPDX-License-Identifier: Apache-2.0
#include "experiments/search/ladder.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "base/error.h"
#include "base/named_table.h"

namespace moesim::experiments {
namespace {

using sim::Fidelity;

constexpr int kTrainingShare = 8;
constexpr std::array<Fidelity, 3> kByCost = {Fidelity::analytic, Fidelity::collective,
                                             Fidelity::flow};
constexpr const char* kFidelityKey = "network.fidelity";

// True where the sweep sets the key, or a section that has it.
bool is_swept(const Sweep& sweep, const std::string& key) {
  return std::any_of(sweep.axes.begin(), sweep.axes.end(), [&](const std::string& axis) {
    return key == axis || key.starts_with(axis + ".");
  });
}

Rung at_fidelity(Fidelity fidelity) {
  Rung rung;
  rung.name = base::name_in_words(fidelity);
  rung.settings.emplace_back(kFidelityKey, base::json_of(rung.name));
  return rung;
}

// The training steps of a workload's proxy, under its key.
void shorten(const std::string& key, const sim::RoutingConfig& routing, const Sweep& sweep,
             Rung& rung) {
  const bool is_trained = routing.source == sim::RoutingSourceKind::numerics;
  if (!is_trained || routing.proxy.train_steps < 2 || is_swept(sweep, key)) return;
  const int steps = std::max(1, routing.proxy.train_steps / kTrainingShare);
  rung.settings.emplace_back(key, base::json_of(steps));
  if (!rung.shortens_training) {
    rung.name += ", " + std::to_string(steps) + " of " + std::to_string(routing.proxy.train_steps) +
                 " training steps";
  }
  rung.shortens_training = true;
}

void shorten_training(const Sweep& sweep, const Experiment& experiment, Rung& rung) {
  if (is_swept(sweep, "routing.source")) return;
  if (experiment.scenario.jobs.empty()) {
    return shorten("routing.proxy.train_steps", experiment.scenario.routing, sweep, rung);
  }
  for (std::size_t i = 0; i < experiment.scenario.jobs.size(); ++i) {
    shorten("jobs." + std::to_string(i) + ".routing.proxy.train_steps",
            experiment.scenario.jobs[i].routing, sweep, rung);
  }
}

}  // namespace

std::string Rung::folder_name() const { return name.substr(0, name.find(',')); }

std::vector<Rung> screens_of(const Sweep& sweep, const Experiment& experiment) {
  if (is_swept(sweep, kFidelityKey)) {
    throw base::Error("/sweep", "varies network.fidelity, which a search chooses itself",
                      "take network.fidelity out of the sweep");
  }
  std::vector<Rung> screens;
  for (const Fidelity fidelity : kByCost) {
    if (fidelity == experiment.scenario.network.fidelity) break;
    screens.push_back(at_fidelity(fidelity));
  }
  Rung own = at_fidelity(experiment.scenario.network.fidelity);
  shorten_training(sweep, experiment, own);
  if (screens.empty() && own.shortens_training) screens.push_back(own);
  if (screens.empty()) {
    throw base::Error("/network/fidelity",
                      "is analytic, the cheapest there is: nothing can sort candidates out before",
                      "moesim run runs all points; or set network.fidelity to collective");
  }
  for (Rung& screen : screens) {
    if (!screen.shortens_training) shorten_training(sweep, experiment, screen);
  }
  return screens;
}

std::vector<Rung> confirmation_of(const Experiment& experiment) {
  const auto own = std::find(kByCost.begin(), kByCost.end(), experiment.scenario.network.fidelity);
  if (own == kByCost.end() - 1) return {};
  return {at_fidelity(kByCost.back())};
}

Sweep at_rung(const Sweep& sweep, const Rung& rung) {
  base::JsonValue document = *sweep.document;
  const std::string flag = "moesim search";
  for (const auto& [key, value] : rung.settings) base::set_json_at(document, key, value, flag);
  base::set_json_at(document, "outputs.points", base::json_of("none"), flag);
  Sweep changed = expand(document);
  changed.name = rung.folder_name();
  changed.wants_report = false;
  return changed;
}

Allowance allowance_of(std::size_t points, std::size_t seeds, std::size_t objectives,
                       double share) {
  const auto most = static_cast<std::size_t>(share * static_cast<double>(points) + 1e-9);
  const std::size_t budget = std::max<std::size_t>(most, 1);
  Allowance allowance;
  allowance.entrants = budget;
  if (seeds <= 1 || objectives * seeds > budget) return allowance;
  allowance.seeds = seeds;
  allowance.finalists = std::max(objectives, budget / (2 * seeds));
  allowance.entrants = budget - allowance.finalists * (seeds - 1);
  return allowance;
}

std::vector<std::size_t> survivors_of(std::size_t candidates, std::size_t entrants,
                                      std::size_t screens) {
  std::vector<std::size_t> counts;
  const double ratio = static_cast<double>(entrants) / static_cast<double>(candidates);
  for (std::size_t screen = 1; screen <= screens; ++screen) {
    const double share =
        std::pow(ratio, static_cast<double>(screen) / static_cast<double>(screens));
    const double count = std::ceil(static_cast<double>(candidates) * share - 1e-9);
    counts.push_back(std::clamp<std::size_t>(static_cast<std::size_t>(count), 1, candidates));
  }
  return counts;
}

}  // namespace moesim::experiments
